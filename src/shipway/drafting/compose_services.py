"""Services of a plan from those of a Compose file."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping

from shipway.domain.shell_syntax import shell_syntax, through_shell
from shipway.drafting import addresses, commands, dockerfile, healthchecks, images, mounts, replaced
from shipway.drafting.compose_model import REMOTE
from shipway.drafting.compose_parts import Part, Reading, mapping, text_of
from shipway.drafting.draft import ServiceDraft
from shipway.drafting.env_files import EnvFile
from shipway.drafting.files import inside
from shipway.drafting.proxy_rules import PROXY_VARIABLES, Rule
from shipway.drafting.unsupported import other_ports, unsupported, unsupported_in_build
from shipway.drafting.variables import SITE, Settings, add, entries, is_secret, masked, shows_secret
from shipway.planfile.values import CAPABILITIES, VARIABLE_PATTERN

_DEBUG = (5678, 9229, 9230, 5005, 2345, 4000 + 5858, 35729, 24678)  # debuggers and reloaders
_OWN = re.compile(r"COMPOSE_\w+|DOCKER_\w+|BUILDKIT_\w+")  # variables that Compose itself reads
_POLLING = ("CHOKIDAR_USEPOLLING", "WATCHPACK_POLLING", "WDS_SOCKET_PORT")
_DEVELOPMENT = re.compile(r"(NODE|FLASK|RAILS|APP|RACK|ASPNETCORE|GO|MIX)_ENV(IRONMENT)?")


def draft(reading: Reading, part: Part, rule: Rule | None, inherited: str) -> ServiceDraft:
    """The service. rule: of a proxy. inherited: the service whose published ports this one only repeats; else empty."""
    name = reading.names[part.name]
    found = ServiceDraft(name, why=[f"{reading.file}: {part.name}"])
    if name != part.name:
        pattern = rf"(^|[/@,\s]){re.escape(part.name)}(?=[:/,\s]|$)"
        texts = [text for other in reading.parts.values() for text in reading.texts(other).values()]
        notes = found.todo if any(re.search(pattern, text) for text in texts) else found.remarks
        notes.append(f"it is named {part.name} in {reading.file}: other services now reach it as {name}")
    found.image = part.image or None
    if part.folder is not None:
        found.image = None
        _build(reading, found, part)
    found.command, found.entrypoint = text_of(part.raw.get("command")), text_of(part.raw.get("entrypoint"))
    kept = mounts.read(reading.root, part.mounts, found.folder, used=bool(found.image))
    developing = bool(kept.source) or commands.is_for_development(part.command)
    if developing:
        _for_production(reading, found)
    found.volumes, found.files = kept.volumes, kept.files
    found.remarks += [*kept.notes, *kept.source]
    found.todo += kept.todo
    settings = _settings(reading, part, found, developing)
    works = commands.serves(part.command) is False or bool(inherited)
    _serving(reading, found, part, rule, settings, inherited=inherited, works=works)
    _limits(found, part)
    found.environment, found.secrets = settings.values, settings.secrets
    found.because |= settings.because
    found.todo += settings.todo
    _secret_files(found, part)
    _confidential(reading, found, part)
    syntax = shell_syntax(found.command or "")
    if syntax:
        found.todo.append(
            f"command: {', '.join(syntax)} requires a shell (`sh -c '…'`), and a value in place of each variable"
        )
    found.todo += unsupported(part.raw)
    return found


def _build(reading: Reading, found: ServiceDraft, part: Part) -> None:
    build = mapping(part.raw.get("build"))
    context = str(build.get("context") or ".")
    if REMOTE.match(context):
        found.todo.append(f"build: {context} is another repository: build its image there, and set `image:` here")
    found.folder, found.dockerfile = part.folder or ".", part.dockerfile
    if part.why:
        found.remarks.append(part.why)
    if found.folder.startswith(("..", "/")) or found.dockerfile.startswith(("..", "/")):
        found.todo.append(f"build: {found.folder} with {found.dockerfile} is outside of its folder")
        found.folder = "." if found.folder.startswith(("..", "/")) else found.folder
        found.dockerfile = posixpath.basename(found.dockerfile)
    target = build.get("target")
    found.target = target if isinstance(target, str) and target.strip() else None
    settings = Settings()
    _, source, _ = next(iter(reading.variables(Part("", {"environment": {"X": ""}})).values()))
    for name, raw in entries(build.get("args")).items():
        if is_secret(name):
            settings.secret(name)
        else:
            add(settings, name, raw, source)
    unknown = [name for name, value in settings.values.items() if SITE in value]
    found.todo += [f"build argument {name}: its value has the site's domain in it" for name in unknown]
    found.args = {name: value for name, value in settings.values.items() if name not in unknown}
    found.todo += [f"build argument {name}: its value is not in this file" for name in settings.secrets]
    found.todo += [
        f"build argument {name}: it is the same in every environment, since images are built once"
        for name, value in found.args.items()
        if re.match(r"(https?|wss?)://", value)
    ]
    found.todo += settings.todo + unsupported_in_build(dict(build))


def _for_production(reading: Reading, found: ServiceDraft) -> None:
    """Leave out what only a developer's machine needs: another stage, a reloading command."""
    stages = images.stages(reading.root, posixpath.join(found.folder or ".", found.dockerfile)) if found.folder else []
    if found.target in dockerfile.TEST_STAGES and stages and stages[-1].name != found.target:
        found.remarks.append(f"target {found.target} is for development: the last stage is built")
        found.target = None
    final = images.stage(stages, found.target)
    if found.command and commands.is_for_development(found.command) and _starts_itself(final):
        found.remarks.append(f"command `{masked(found.command)}` is for development: the image's own is used")
        found.command = None
    if found.command and commands.without_reload(found.command) != found.command:
        found.because["command"] = "without the option that reloads"
        found.command = commands.without_reload(found.command)


def _starts_itself(stage: images.Stage | None) -> bool:
    """Whether an image has a program that isn't for development."""
    if stage is None or stage.starts:
        return stage is not None and not commands.is_for_development(stage.starts)
    return re.search(r"(^|/)(nginx|caddy|httpd)\b", stage.base) is not None


def _settings(reading: Reading, part: Part, found: ServiceDraft, developing: bool) -> Settings:
    """Variables and secrets."""
    settings = Settings()
    variables = reading.variables(part)
    taken = addresses.take(reading, part, found, settings)
    dropped = []
    asked: dict[str, list[str]] = {}
    for name, (raw, source, foreign) in variables.items():
        value = reading.text(name, raw, source)
        written = name in mapping(part.raw.get("environment"))
        if name in taken or name in PROXY_VARIABLES or (_OWN.fullmatch(name) and not written):
            continue
        if (developing or source.sample) and _developing(name, value):
            dropped.append(f"{name}={value}")
        elif foreign and not shows_secret(name, value):
            asked.setdefault(source.file, []).append(name)
        else:
            add(settings, name, raw, source)
    if dropped:
        found.remarks.append(f"left out, since it is for development: {', '.join(dropped)}")
    sources = []
    for path in part.raw.get("env_file") or []:
        file = reading.env_file(path)
        if file.file is not None and not file.development:
            sources.append(file.file if not file.sample else f"{file.file}, for {path}")
        elif path in reading.asked:
            found.remarks.append(f"env_file {path}: see {reading.asked[path]}")
        else:
            reading.asked[path] = found.name
            settings.todo.append(_missing(file, asked.get(file.file or "", [])))
    if sources:
        found.because["environment"] = f"from {reading.file} and {', '.join(dict.fromkeys(sources))}"
    return settings


def _confidential(reading: Reading, found: ServiceDraft, part: Part) -> None:
    """A secret in a command is read from the container's variables, by a shell."""
    names = [
        name
        for name in sorted(reading.project.missing.get(part.name, ()))
        if re.search(rf"\${name}\b", found.command or "")
    ]
    final = images.stage(
        images.stages(reading.root, posixpath.join(found.folder or "", found.dockerfile)), found.target
    )
    if (
        not names
        or not found.command
        or found.folder is None
        or final is None
        or final.entrypoint
        or shell_syntax(found.command) != [f"${name}" for name in names]
    ):
        return
    found.command = through_shell(f"exec {found.command}")
    found.because["command"] = f"{', '.join(names)}: from its secrets, by a shell"
    found.secrets += [name for name in names if name not in found.secrets and name not in found.environment]


def _developing(name: str, value: str) -> bool:
    """Whether a variable has this value only on a developer's machine."""
    mode = _DEVELOPMENT.fullmatch(name) and value.lower() in ("development", "dev", "local")
    switch = re.search(r"(^|_)(DEBUG|RELOAD)$", name) and value.lower() in ("true", "1", "on", "yes")
    return bool(name in _POLLING or mode or switch)


def _missing(file: EnvFile, names: list[str]) -> str:
    if file.file is None:
        return f"add the variables of env_file {file.wanted} to `environment:` or `secrets:`: the file is not in the repository"
    which = f": which values have {', '.join(names)}?" if names else ""
    return f"env_file {file.wanted} is not in the repository; {file.file} names its variables{which}"


def _serving(
    reading: Reading,
    found: ServiceDraft,
    part: Part,
    rule: Rule | None,
    settings: Settings,
    *,
    inherited: str,
    works: bool,
) -> None:
    """Port, health, and whether it is public."""
    values = {**settings.values}
    check = healthchecks.read(mapping(part.raw.get("healthcheck")).get("test"), values, part.name)
    if works:
        found.public = found.serves = False
        if part.ports and inherited:
            found.remarks.append(f"its ports are those of {inherited}, by a merge or `extends`: it is not public")
        elif part.ports:
            found.remarks.append(f"port {part.ports[0]} is left out: its command serves no requests")
        if check and check.command:
            found.health_command = check.command
            found.because["health"] = "healthcheck"
        return
    ports = [port for port in part.ports if port not in _DEBUG] or part.ports
    usual = [*ports, *(port for port in part.exposed if port not in ports)]
    own = values.get("PORT", "")
    options: list[tuple[int | None, str]] = [
        (rule.port if rule else None, rule.source if rule else ""),
        (check.port if check and (check.port in usual or not usual) else None, "healthcheck"),
        (usual[0] if usual else None, "ports" if part.ports else "expose"),
        (int(own) if own.isdigit() and 0 < int(own[:6]) < 65536 else None, "PORT"),
        (commands.port_of(found.command or ""), "command"),
    ]  # fmt: skip
    if found.target is None and isinstance(mapping(part.raw.get("build")).get("target"), str):
        stages = images.stages(reading.root, posixpath.join(found.folder or "", found.dockerfile))
        port = images.listens(images.stage(stages, None))
        if port:  # the file's are those of the stage for development
            options, usual = [(port, "the last stage of its Dockerfile")], []
    found.port, source = next(((port, why) for port, why in options if port), (None, ""))
    if found.port:
        found.why.append(f"port {found.port} from {source}")
        found.because["port"] = source if source != "ports" else ""
    found.public = rule.public is True if rule and rule.public is not None else bool(part.ports)
    if found.public and not rule and replaced.is_for_operators(part.base or part.image):
        found.public = False
        found.remarks.append("its port was published: what is for operators is not public here")
    _health(found, check, rule)
    if found.folder is not None and not (
        text_of(part.raw.get("command")) and not found.port and commands.serves(part.command) is None
    ):
        path = inside(reading.root, posixpath.join(found.folder, found.dockerfile))
        dockerfile.complete(found, dockerfile.read(path) if path else None)
    found.serves = bool(found.port)
    found.todo += other_ports([port for port in usual if port not in _DEBUG], found.port)
    if rule:
        found.todo += rule.todo


def _health(found: ServiceDraft, check: healthchecks.Check | None, rule: Rule | None) -> None:
    if check and check.path and found.port and (check.port in (found.port, None)):
        found.health = check.path
    elif rule and rule.health and found.port:
        found.health = rule.health
        found.because["health"] = rule.source
        return
    elif check and check.command:
        found.health_command = check.command
    elif check and check.tcp and found.port:
        found.health_tcp = True
    elif check and check.path:
        found.todo.append(f"healthcheck: it asked port {check.port}, but the service's is {found.port}")
        return
    else:
        return
    found.why.append(f"health {found.health or ''} from healthcheck".replace("  ", " "))
    found.because["health"] = "healthcheck"


def _limits(found: ServiceDraft, part: Part) -> None:
    """Replicas, resources, capabilities, and the time to stop."""
    deploy = mapping(part.raw.get("deploy"))
    limits = mapping(mapping(deploy.get("resources")).get("limits"))
    replicas = str(deploy.get("replicas") or part.raw.get("scale") or "")
    if replicas.isdigit() and 1 < int(replicas[:6]) <= 10_000:
        found.replicas = int(replicas)
    elif replicas == "0":
        found.todo.append("replicas: 0: it was not started")
    cpus = str(limits.get("cpus") or part.raw.get("cpus") or "")
    if re.fullmatch(r"\d{1,4}(\.\d+)?", cpus) and 0.01 <= float(cpus) <= 4096:
        found.cpus = cpus
    memory = str(limits.get("memory") or part.raw.get("mem_limit") or "")
    if memory and memory.strip("bBkKmMgG ") not in ("", "0"):
        found.memory = _memory(memory)
        found.todo += [] if found.memory else [f"resources: memory {memory}"]
    for name in part.raw.get("cap_add") or []:
        known = str(name).upper().removeprefix("CAP_")
        if known in CAPABILITIES:
            found.capabilities.append(known)
        else:
            found.todo.append(f"cap_add {name}: services can't have it")
    pause = str(part.raw.get("stop_grace_period") or "")
    if pause in ("0", "0s"):
        found.stop = "0s"
    elif pause:
        seconds = _seconds(pause)
        found.stop = f"{seconds:g}s" if seconds and seconds <= 86400 else None
        found.todo += [] if found.stop else [f"stop_grace_period: {pause}"]


def _memory(text: str) -> str | None:
    """`512m` and `1.5gb` as a size of the plan."""
    match = re.fullmatch(r"(\d{1,9}(?:\.\d+)?)\s*([bkmg]?)b?", text.strip().lower())
    if not match:
        return None
    count = float(match[1]) * {"": 1, "b": 1, "k": 1024, "m": 1024**2, "g": 1024**3}[match[2]]
    for unit, size in (("G", 1024**3), ("M", 1024**2), ("K", 1024)):
        if count >= 6 * 1024**2 and count % size == 0:
            return f"{int(count // size)}{unit}" if count // size < 64 * 1024 else None
    return f"{int(count // 1024**2)}M" if count >= 6 * 1024**2 else None


def _seconds(text: str) -> float:
    """`1m30s` in seconds; 0 if it isn't a duration."""
    if not re.fullmatch(r"(\d{1,6}(\.\d+)?(ms|us|s|m|h))+", text):
        return 0
    units: Mapping[str, float] = {"h": 3600, "m": 60, "s": 1, "ms": 0.001, "us": 1e-6}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"(\d+(?:\.\d+)?)(ms|us|s|m|h)", text))


def secret_name(text: str) -> str:
    """The name of a secret in a plan, for one of Compose."""
    return re.sub(r"[-.]", "_", text)


def _secret_files(found: ServiceDraft, part: Part) -> None:
    """Compose secrets are files below /run/secrets, as the plan's."""
    for item in part.raw.get("secrets") or []:
        long = item if isinstance(item, dict) else {"source": item}
        given = str(long.get("target") or long.get("source") or "").removeprefix("/run/secrets/")
        name = secret_name(given)
        if name != given:
            found.todo.append(f"secrets: the file /run/secrets/{given} is now /run/secrets/{name}")
            found.environment = {
                key: value.replace(f"/run/secrets/{given}", f"/run/secrets/{name}")
                for key, value in found.environment.items()
            }
        if re.search(VARIABLE_PATTERN, name) is None:
            found.todo.append(
                f"secrets: {name or item} is no name of a secret in a plan: letters, digits and underscores"
            )
        elif name not in found.secret_files:
            found.secret_files.append(name)
            found.environment.pop(f"{name}_FILE", None)
