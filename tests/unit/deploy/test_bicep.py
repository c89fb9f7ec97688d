"""The Bicep templates: grammar, names, parameters, and that they say what the code says."""

from __future__ import annotations

import re

import pytest
import yaml
from cloudcoil.models.keda import v1alpha1 as keda
from jsonschema import Draft202012Validator
from sqlalchemy import make_url

from bridge.mirror.engine import _with_identity
from bridge.queue.names import CAMPAIGN_QUEUE, CONTACT_QUEUE, DEAD_LETTER_QUEUE, QUEUES
from bridge.settings import Settings, load_settings
from bridge.workers.parts import NAMES
from bridge.workers.runner import GRACE_SECONDS
from tests.unit.about_the_code.sources import read, tracked
from tests.unit.deploy.bicep import Bicep

FILES = [p for p in tracked() if re.fullmatch(r"deploy/.*\.bicep(param)?", p)]
APPS = "deploy/modules/apps.bicep"
SETTINGS = {name.upper() for name in Settings.model_fields}
OURS = {"AZURE_CLIENT_ID": "azure-identity: which managed identity"}
SECRETS = {
    "API_KEY", "WEBHOOK_API_KEY", "ODOO_PASSWORD", "AZURE_STORAGE_CONNECTION_STRING",
    "MANYCHAT_API_TOKEN",
}  # fmt: skip


def bicep(path: str) -> Bicep:
    return Bicep(path, read(path).text)


def environment(text: str) -> dict[str, str]:
    """The variables that a template gives to containers, and their values as written."""
    return dict(re.findall(r"name: '([A-Z][A-Z_]+)', value: ([^}]+?) \}", text))


def test_there_are_templates_and_parameters_for_both() -> None:
    assert {"deploy/main.bicep", APPS, "deploy/dev.bicepparam", "deploy/prod.bicepparam"} <= set(
        FILES
    )


@pytest.mark.parametrize("path", FILES)
def test_a_template_is_bicep_and_names_only_what_there_is(path: str) -> None:
    file = bicep(path)
    assert file.errors == []
    assert file.unknown == []
    if path.endswith(".bicep"):
        assert file.unused == []


def test_each_module_gets_exactly_what_it_asks_for() -> None:
    for path, given in bicep("deploy/main.bicep").modules():
        module = bicep(f"deploy/{path}")
        assert given == set(module.named("parameter")), path


def test_outputs_that_are_read_exist() -> None:
    main = read("deploy/main.bicep").text
    modules = dict(re.findall(r"^module (\w+) '([^']+)'", main, re.MULTILINE))
    for module, output in re.findall(r"\b(\w+)\.outputs\.(\w+)", main):
        assert output in bicep(f"deploy/{modules[module]}").named("output"), output


@pytest.mark.parametrize("path", ["deploy/dev.bicepparam", "deploy/prod.bicepparam"])
def test_the_parameters_are_those_of_the_template(path: str) -> None:
    main = bicep("deploy/main.bicep")
    given = set(bicep(path).named("variable"))
    assert main.required <= given
    assert given <= set(main.named("parameter"))
    assert read(path).text.count("using 'main.bicep'") == 1


def test_the_queues_are_the_codes() -> None:
    names = re.findall(r"'([a-z-]+-queue)'", read("deploy/modules/queues.bicep").text)
    assert sorted(names) == sorted([CONTACT_QUEUE, CAMPAIGN_QUEUE, DEAD_LETTER_QUEUE])
    scaled = re.findall(r"worker: '(\w+)', queue: '([\w-]+)'", read(APPS).text)
    assert dict(scaled) == QUEUES


def test_each_worker_of_the_code_has_an_app_and_its_command() -> None:
    text = read(APPS).text
    workers = re.findall(r"\{ worker: '(\w+)'", text)
    assert sorted(workers) == sorted(NAMES)
    assert text.count("['python', '-m', 'bridge', 'worker', one.worker]") == 2
    assert "['python', '-m', 'bridge', 'db', 'upgrade']" in text


def test_the_environment_is_that_of_the_settings_and_holds_no_secret() -> None:
    given = environment(read(APPS).text)
    assert set(given) - SETTINGS == set(OURS)
    assert not set(given) & SECRETS, "those are in the vault"
    settings = load_settings(
        _env_file=None, api_key="k", docs_public=given["DOCS_PUBLIC"].strip("'")
    )
    assert settings.docs_public is False


def test_the_ports_are_those_of_the_images() -> None:
    text = read(APPS).text
    assert bicep(APPS).variable("apiPort") == "8000"
    assert bicep(APPS).variable("healthPort") == "8080"
    assert "EXPOSE 8000" in read("docker/Dockerfile.api").text
    assert "EXPOSE 8080" in read("docker/Dockerfile.workers").text
    assert set(re.findall(r"path: '([^']+)'", text)) == {"/health"}
    graces = set(map(int, re.findall(r"terminationGracePeriodSeconds: (\d+)", text)))
    assert min(graces) > max(GRACE_SECONDS, 30)  # gunicorn.conf.py: graceful_timeout


def test_the_mirrors_url_is_one_that_the_driver_takes_with_an_identity() -> None:
    text = read(APPS).text
    query = bicep(APPS).variable("sqlQuery").strip("'")
    written = re.search(r"'(mssql\+pyodbc://[^']+)'", text)
    assert written
    url = make_url(
        written[1]
        .replace("${apiClientId}", "1-2-3")
        .replace("${sqlHost}", "x.database.windows.net")
        .replace("${sqlDatabase}", "miasalud")
        .replace("${sqlQuery}", query)
    )
    assert (url.username, url.password, url.port) == ("1-2-3", None, 1433)
    assert _with_identity(url).query["authentication"] == "ActiveDirectoryMsi"
    assert url.query["driver"] == "ODBC Driver 18 for SQL Server"


def test_queue_workers_may_rest_and_the_others_may_not() -> None:
    text = read(APPS).text
    queue_apps, steady_apps = text.split("resource queueApps")[1].split("resource steadyApps")
    assert "minReplicas: 0" in queue_apps
    assert "minReplicas: 1" in steady_apps
    limits = re.findall(
        r"@maxValue\((\d+)\)\nparam queueWorkersMax int = (\d+)", read("deploy/main.bicep").text
    )
    assert limits == [("20", "20")]


ROLES = {
    "queues.bicep": {"sender", "reader", "contributor"},
    "vault.bicep": {"secretsUser"},
    "registry.bicep": {"acrPull"},
}


def test_only_the_least_roles_are_given_and_none_on_a_group_or_subscription() -> None:
    for path in FILES:
        text = read(path).text
        blocks = re.split(r"(?m)^resource ", text)
        granting = [b for b in blocks if "roleAssignments@" in b]
        roles = {m for b in granting for m in re.findall(r"roleDefinitions', (\w+)\)", b)}
        assert roles == ROLES.get(path.split("/")[-1], set()), path
        assert all(re.search(r"(?m)^  scope: \w", block) for block in granting), path
    sends = read("deploy/modules/queues.bicep").text
    assert "principalId: apiPrincipalId" not in "".join(
        b
        for b in re.split(r"(?m)^resource ", sends)
        if "'${contributor}" in b or ", contributor)" in b
    ), "the API takes nothing out"


def test_a_template_with_a_fault_is_seen() -> None:
    good = read("deploy/modules/vault.bicep").text
    assert Bicep("x.bicep", good.replace("resource vault '", "resource '")).errors
    assert Bicep("x.bicep", good.replace("scope: vault\n", "scope: volt\n")).unknown
    assert Bicep("x.bicep", good + "var lost = 1\n").unused == ["lost"]
    assert Bicep("x.bicepparam", "using 'main.bicep'\nparam a = {\n").errors


def objects() -> list[dict[str, object]]:
    return list(yaml.safe_load_all(read("deploy/keda/scaledobjects.yaml").text))


def keda_errors(given: dict[str, object]) -> list[str]:
    """Against the models that cloudcoil makes of KEDA's CRDs; they drop what they do not know."""
    model = getattr(keda, str(given["kind"]))
    kept = model.model_validate(given).model_dump(by_alias=True, exclude_none=True, mode="json")
    return [] if kept == given else [f"{given['kind']}: {kept} is what KEDA would keep"]


def test_the_scaled_objects_follow_kedas_schema_and_scale_the_codes_queues() -> None:
    assert [error for one in objects() for error in keda_errors(one)] == []
    scaled = {o["metadata"]["name"]: o["spec"] for o in objects() if o["kind"] == "ScaledObject"}  # type: ignore[index]
    for name, spec in scaled.items():
        [trigger] = spec["triggers"]
        assert trigger["metadata"]["queueName"] == QUEUES[name]
        assert trigger["metadata"]["queueLengthStrategy"] == "all"
        assert trigger["metadata"]["queueLength"] == bicep(APPS).variable("messagesAReplica")
        assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (0, 20)
    assert set(scaled) == set(QUEUES)


def test_an_object_that_keda_would_not_take_is_seen() -> None:
    [_, first, _] = objects()
    assert keda_errors({**first, "spec": {**first["spec"], "minReplicas": 0}})  # type: ignore[dict-item]
    with pytest.raises(ValueError, match="triggers"):
        keda_errors({**first, "spec": {"scaleTargetRef": {"name": "x"}}})


# Written after the public schema of Microsoft.ContainerInstance/containerGroups, 2023-05-01: only
# the part that is used here, closed, so that a misspelt key is seen.
def _closed(required: str, **properties: object) -> dict[str, object]:
    return {
        "type": "object", "additionalProperties": False,
        "required": required.split(), "properties": properties,
    }  # fmt: skip


TEXT, NUMBER = {"type": "string"}, {"type": "number"}
VARIABLE = _closed("name", name=TEXT, value=TEXT, secureValue=TEXT)
HTTP = _closed("port", path=TEXT, port={"type": "integer"}, scheme={"enum": ["http", "https"]})
PROBE = _closed(
    "", httpGet=HTTP, initialDelaySeconds=NUMBER, periodSeconds=NUMBER, timeoutSeconds=NUMBER,
    failureThreshold=NUMBER,
)  # fmt: skip
REQUESTS = _closed("cpu memoryInGB", cpu=NUMBER, memoryInGB=NUMBER)
CONTAINER = _closed(
    "name properties", name=TEXT,
    properties=_closed(
        "image resources", image=TEXT, command={"type": "array", "items": TEXT},
        resources=_closed("requests", requests=REQUESTS),
        environmentVariables={"type": "array", "items": VARIABLE}, livenessProbe=PROBE,
    ),
)  # fmt: skip
GROUP = _closed(
    "apiVersion type name location properties",
    apiVersion={"const": "2023-05-01"}, name=TEXT, location=TEXT,
    type={"const": "Microsoft.ContainerInstance/containerGroups"},
    identity=_closed(
        "type", type={"const": "UserAssigned"}, userAssignedIdentities={"type": "object"}
    ),
    properties=_closed(
        "containers osType", osType={"enum": ["Linux"]}, sku={"enum": ["Standard"]},
        restartPolicy={"enum": ["Always"]}, containers={"type": "array", "items": CONTAINER},
        imageRegistryCredentials={
            "type": "array", "items": _closed("server", server=TEXT, identity=TEXT)
        },
    ),
)  # fmt: skip


def test_the_container_group_follows_its_schema_and_the_code() -> None:
    group = yaml.safe_load(read("deploy/aci.yaml").text)
    assert list(Draft202012Validator(GROUP).iter_errors(group)) == []
    [container] = group["properties"]["containers"]
    assert container["properties"]["command"] == ["python", "-m", "bridge", "worker", "all"]
    given = {one["name"]: one["value"] for one in container["properties"]["environmentVariables"]}
    assert set(given) - SETTINGS == set(OURS)
    assert not set(given) & SECRETS
    port = container["properties"]["livenessProbe"]["httpGet"]["port"]
    assert given["WORKER_HEALTH_PORT"] == str(port)
    group["properties"]["container"] = group["properties"].pop("containers")
    assert list(Draft202012Validator(GROUP).iter_errors(group))
