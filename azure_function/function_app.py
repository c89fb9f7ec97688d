"""The workers as Azure Functions (Python v2 model): a trigger a queue, and a clock.

The host only calls; `bridge.workers.hosted` runs the workers' own handlers. They dead-letter by
themselves, so host.json sets the host's limit out of the way, and what it gives up all the same is
taken from its `-poison` queues. `QUEUES` is the connection: a connection string, or
`QUEUES__queueServiceUri` with managed identity.
"""

import azure.functions as func

from bridge.workers import hosted

CONNECTION = "QUEUES"
EVERY_MINUTE = "0 * * * * *"
WORK_SECONDS = 50.0  # of the minute; the rest is for what is being done to end

app = func.FunctionApp()


@app.function_name("contact")
@app.queue_trigger("message", "manychat-contact-queue", CONNECTION)
def contact(message: func.QueueMessage) -> None:
    """One event of the contact queue into the mirror."""
    _handle("contact", message)


@app.function_name("contact_poison")
@app.queue_trigger("message", "manychat-contact-queue-poison", CONNECTION)
def contact_poison(message: func.QueueMessage) -> None:
    """What the host gave up of it: again, or into the dead letters."""
    _handle("contact-poison", message)


@app.function_name("campaign")
@app.queue_trigger("message", "manychat-campaign-queue", CONNECTION)
def campaign(message: func.QueueMessage) -> None:
    """One event of the campaign queue into the mirror."""
    _handle("campaign", message)


@app.function_name("campaign_poison")
@app.queue_trigger("message", "manychat-campaign-queue-poison", CONNECTION)
def campaign_poison(message: func.QueueMessage) -> None:
    """What the host gave up of it: again, or into the dead letters."""
    _handle("campaign-poison", message)


@app.function_name("work")
@app.timer_trigger("timer", EVERY_MINUTE, use_monitor=False)
def work(timer: func.TimerRequest) -> None:  # noqa: ARG001  (the host names it)
    """The outbox into Odoo, what people changed there, inbox, dead letters, retention."""
    hosted.from_environment().work(WORK_SECONDS)


def _handle(name: str, message: func.QueueMessage) -> None:
    handed = hosted.message_of(
        str(message.id), str(message.pop_receipt), message.dequeue_count or 1,
        message.get_body(), message.insertion_time,
    )  # fmt: skip
    hosted.from_environment().handle(name, handed)
