"""A story from a seed: contacts, what ManyChat posts of them, in an order that it never promised.

Each post knows what it means, because its body is written from its meaning; nothing is parsed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import Any

from tests.faults import values
from tests.faults.poison import poison
from tests.faults.story import KILLER, Post, Said

LIMA = timezone(timedelta(hours=-5))
HOURS = 6
STORY_SECONDS = 1200
"""Within which most of what is posted of a contact happens: shorter than what comes late."""
LATE_SECONDS = 300.0
DUPLICATES, POISON, EARLY, FUTURE, NOW = 0.05, 0.02, 0.03, 0.01, 0.03
MINUTE = timedelta(seconds=59, microseconds=999_999)
ADVISORS = (
    ("comercial", "commercial", values.COMMERCIALS),
    ("medico", "medical", values.MEDICALS),
)
ADDRESSES = ("street", "district", "city")


class Generator:
    """Writes `events` posts about `contacts` people; the same seed and `now` give the same."""

    def __init__(self, seed: int, events: int, contacts: int, now: datetime, killers: int = 1):
        self._random = Random(seed)  # noqa: S311  (a story is to come out the same again)
        self._seed, self._events, self._killers = seed, events, killers
        self.people = [self._name_of(n) for n in range(contacts)]
        self._now = now.astimezone(UTC).replace(microsecond=0)
        self._began = self._now - timedelta(hours=HOURS + 1)
        self._starts = {person: self._when() for person in self.people}

    def posts(self) -> list[Post]:
        """Every post, in the order in which it is sent, numbered by it."""
        bad, copies = int(self._events * POISON), int(self._events * DUPLICATES)
        plain = self._events - bad - copies - self._killers
        sent = [*self._contacts(plain), *(self._killer() for _ in range(self._killers))]
        sent += [self._copied(self._random.choice(sent)) for _ in range(copies)]
        sent += [(self._when(), self._poison()) for _ in range(bad)]
        sent.sort(key=lambda pair: pair[0])
        numbered = [replace(post, number=n) for n, (_, post) in enumerate(sent)]
        first: dict[str, int] = {}
        return [
            replace(post, copy_of=first[post.key])
            if first.setdefault(post.key, post.number) != post.number
            else post
            for post in numbered
        ]

    def _name_of(self, number: int) -> str:
        """Ids of digits, and pairs that only a careful comparison tells apart."""
        if number % 10 == 3:
            return f"7{self._seed % 10**6:06d}{number:06d}"
        letter = "a" if number % 2 else "A"
        return f"MC-{letter}-{self._seed}-{number // 2}"

    def _when(self) -> datetime:
        return self._began + timedelta(seconds=self._random.randrange(HOURS * 3600))

    def _when_of(self, person: str) -> datetime:
        return self._starts[person] + timedelta(seconds=self._random.randrange(STORY_SECONDS))

    def _contacts(self, events: int) -> list[tuple[datetime, Post]]:
        """One contact event each first, then whatever comes; each with the time it is sent at."""
        made = []
        early = set(self._random.sample(self.people, int(len(self.people) * EARLY * 3)))
        for person in self.people[:events]:
            at = self._when_of(person)
            # what else is posted of them meanwhile comes before its contact
            sent = at + timedelta(hours=1) if person in early else self._late(at)
            made.append((sent, self._post("contact", person, self._contact(at))))
        writers: list[tuple[str, Callable[[datetime], Any]]] = [
            ("contact", self._contact), ("assignment", self._assignment), ("stage", self._stage),
            ("stage", self._stage), ("stage", self._stage), ("stage", self._stage),
            ("address", self._address), ("lead", self._lead),
        ]  # fmt: skip
        for _ in range(events - len(made)):
            person = self._random.choice(self.people)
            at = self._when_of(person)
            kind, write = self._random.choice(writers)
            made.append((self._late(at), self._post(kind, person, write(at))))
        return made

    def _late(self, at: datetime) -> datetime:
        return at + timedelta(seconds=self._random.uniform(0, LATE_SECONDS))

    def _copied(self, pair: tuple[datetime, Post]) -> tuple[datetime, Post]:
        sent, post = pair
        return sent + timedelta(seconds=self._random.choice((0, 1, 30, 600))), post

    def _post(self, kind: str, person: str, written: tuple[dict[str, Any], Said]) -> Post:
        body, said = written
        key, in_body = f"key-{self._random.getrandbits(64):016x}", self._random.random() < 0.5
        spelled: Any = int(person) if person.isdigit() and self._random.random() < 0.5 else person
        whole = {"manychat_id": spelled, **body} | ({"event_id": key} if in_body else {})
        raw = json.dumps(whole, ensure_ascii=self._random.random() < 0.5).encode()
        return Post(0, kind, person, raw, key, in_body, said)

    def _killer(self) -> tuple[datetime, Post]:
        at, person = self._when(), self._random.choice(self.people)
        body = {"nombre_lead": KILLER}, Said(start=at)
        return at, self._post("contact", person, body)

    def _poison(self) -> Post:
        key = f"poison-{self._random.getrandbits(64):016x}"
        body = poison(self._random, self._random.choice(self.people), key)
        kind = self._random.choice(("contact", "assignment", "stage"))
        return Post(0, kind, "", body, key, poison=key)

    def _pick(
        self, table: Any, key: str, name: str, body: dict[str, Any], said: dict[str, Any]
    ) -> None:
        """One pair of a table: its writing into the body, its meaning into what is said."""
        written, meant = self._random.choice(table)
        number = self._random.randrange(100)
        body[name] = written.format(n=number) if "{n" in str(written) else written
        if meant is not None:
            said[key] = meant.format(n=number) if "{n" in meant else meant

    def _time(self, at: datetime, name: str, body: dict[str, Any]) -> dict[str, Any]:
        """Write `at` in some form; what it then means, as fields of `Said`."""
        chance = self._random.random()
        if chance < NOW:
            body |= self._random.choice(({}, {name: "ayer"}, {name: "{{now}}"}, {name: ""}))
            return {}
        if chance < NOW + FUTURE:
            ahead = self._now + timedelta(hours=2)
            body[name] = ahead.isoformat()
            return {"start": ahead}
        local = at.astimezone(LIMA)
        minute = at.replace(second=0, microsecond=0)
        exact, coarse = {"start": at}, {"start": minute, "span": MINUTE}
        half = "am" if local.hour < 12 else "pm"
        fine = at + timedelta(microseconds=self._random.randrange(10**6))
        body[name], meaning = self._random.choice((
            (at.isoformat(), exact), (local.isoformat(), exact), (int(at.timestamp()), exact),
            (local.strftime("%Y-%m-%d %H:%M:%S"), exact), (fine.isoformat(), {"start": fine}),
            (f"{local:%d/%m/%Y} {local.hour}:{local:%M:%S}", exact),
            (local.strftime("%Y-%m-%d %H:%M"), coarse),
            (f"{local.day} {local:%b %Y}, {local:%I:%M}{half}", coarse),
        ))  # fmt: skip
        return meaning

    def _state(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        written, kept, state = self._random.choice(values.SPELLINGS)
        body[name] = written
        return {"state": state, "state_text": kept}

    def _contact(self, at: datetime) -> tuple[dict[str, Any], Said]:
        body: dict[str, Any] = {}
        said: dict[str, Any] = {}
        for table, key, name in (
            (values.FIRST_NAMES, "first_name", "nombre_lead"),
            (values.LAST_NAMES, "last_name", "apellido_lead"),
            (values.PHONES, "phone", "whatsapp"),
            (values.EMAILS, "email", "email_lead"),
            (values.CHANNELS, "channel", "canal_entrada"),
            (values.GENDERS, "gender", "genero"),
        ):
            if self._random.random() < 0.8:
                self._pick(table, key, name, body, said)
        more = self._time(at, "datetime_actual", body)
        if self._random.random() < 0.5:
            more["initial"] = self._random.choice(values.INITIAL)
            body["estado_inicial"] = said["initial_state"] = more["initial"].name
        if self._random.random() < 0.4:
            more |= self._state("ultimo_estado", body)
        if self._random.random() < 0.5:
            body["datetime_suscripcion"] = (at - timedelta(minutes=3)).isoformat()
            said["subscribed_at"] = at - timedelta(minutes=3)
        return body, Said(said, guesses_whatsapp=_guesses(said), **more)

    def _assignment(self, at: datetime) -> tuple[dict[str, Any], Said]:
        body: dict[str, Any] = {}
        said: dict[str, Any] = {}
        more = self._time(at, self._random.choice(("datetime_actual", "fecha_asignacion")), body)
        if self._random.random() < 0.8:
            more["campaign"] = body["campaign_id"] = self._random.choice(values.CAMPAIGNS)
        kind, role, people = self._random.choice(ADVISORS)
        body["tipo_asignacion"] = kind
        if self._random.random() < 0.15:
            body[f"{kind}_id"], said[role] = self._random.choice(("", None, "0", 0)), None
        else:
            body[f"{kind}_id"] = said[role] = self._random.choice(people)
        if self._random.random() < 0.6:
            more |= self._state(self._random.choice(("ultimo_estado", "state")), body)
        if self._random.random() < 0.4:
            self._pick(values.SUMMARIES, "summary", "summary", body, said)
        if self._random.random() < 0.3:
            more["registered"] = at - timedelta(minutes=9)
            body["registration_date"] = more["registered"].isoformat()
        return body, Said(said, **more)

    def _stage(self, at: datetime) -> tuple[dict[str, Any], Said]:
        body: dict[str, Any] = {}
        said: dict[str, Any] = {}
        more = self._time(at, "datetime_actual", body) | self._state("stage_manychat", body)
        if self._random.random() < 0.2:
            body["advisor_id"] = said["commercial"] = self._random.choice(values.COMMERCIALS)
        if self._random.random() < 0.2:
            self._pick(values.SUMMARIES, "summary", "summary", body, said)
        return body, Said(said, **more)

    def _address(self, at: datetime) -> tuple[dict[str, Any], Said]:
        body: dict[str, Any] = {}
        said: dict[str, Any] = {}
        more = self._time(at, "datetime_actual", body)
        for part in self._random.sample(ADDRESSES, self._random.randint(1, 3)):
            self._pick(values.DISTRICTS, f"address.{part}", part, body, said)
        return body, Said(said, **more)

    def _lead(self, at: datetime) -> tuple[dict[str, Any], Said]:
        body: dict[str, Any] = {}
        said: dict[str, Any] = {}
        self._pick(values.FIRST_NAMES, "first_name", "first_name", body, said)
        self._pick(values.PHONES, "phone", "phone", body, said)
        if self._random.random() < 0.5:
            self._pick(values.CHANNELS, "channel", "channel", body, said)
        if self._random.random() < 0.3:
            body["medical_advisor_id"] = said["medical"] = self._random.choice(values.MEDICALS)
        body["entry_date"] = (at - timedelta(days=1)).isoformat()
        said["entry_date"] = at - timedelta(days=1)
        inner: dict[str, Any] = {"stage_id": 3}
        more = self._time(at, "date", inner) | self._state("stage", inner)
        body["state"] = inner
        return body, Said(said, guesses_whatsapp=_guesses(said), **more)


def _guesses(said: dict[str, Any]) -> bool:
    return "phone" in said and "channel" not in said
