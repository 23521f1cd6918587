"""Every setting of every box, with its bounds: a bad value fails at start, with its name.

Sources, strongest first: command line flags, environment (``READROOM_REDIS__URL``: section and
field joined by two underscores), secret files (:data:`FROM_FILES`), a TOML file
(``READROOM_CONFIG``, else ``readroom.toml`` in the working directory), the defaults here.
docs/settings.md is generated from this file.
"""

from __future__ import annotations

import difflib
import math
import os
import re
import shlex
import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from readroom.errors import BadSettings
from readroom.messages import (
    ENGINES,
    PLAIN_ENGINES,
    PURPOSES,
    WITHOUT_EMOTION,
    EngineName,
    Purpose,
)
from readroom.redaction import redact

#: Names that become part of Redis keys and metric labels.
NAME_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,31}$"
Name = Annotated[str, Field(pattern=NAME_PATTERN)]
Port = Annotated[int, Field(ge=0, le=65535)]
#: Longest label of a marker, characters: as a title.
LONGEST_LABEL = 300
LOOPBACK = ("127.0.0.1", "::1", "localhost")
#: A token that can be guessed is none, characters.
SHORTEST_TOKEN = 16
#: Engines that read the faces that the same worker found in the same frame.
_READ_FACES: tuple[EngineName, ...] = ("expression", "mesh", "identity")


def _words(value: Any) -> Any:
    """A list given as one string, as an environment variable is; quotes protect white space."""
    return shlex.split(value) if isinstance(value, str) else value


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RedisSettings(_Section):
    """Where the streams live."""

    url: SecretStr | None = Field(
        None,
        description="redis://, rediss:// or unix:// address. Unset: `readroom run` starts a "
        "private server of its own; a single box needs it.",
    )
    maxmemory_mb: int = Field(
        512, ge=64, description="Memory limit of the private server (policy noeviction), MB."
    )


class IngestSettings(_Section):
    """How cameras are read."""

    mode: Literal["auto", "live", "recording"] = Field(
        "auto",
        description="live: newest wins, every drop counted. recording: every frame exactly once, "
        "ingest waits when the stream is full. auto: recording for files and folders, else live.",
    )
    pace: Literal["realtime", "fast"] = Field(
        "realtime", description="Files and folders: at their own speed, or as fast as analysed."
    )
    fps: float = Field(
        10.0, gt=0, le=240, description="Analysis rate per camera, frames per second."
    )
    max_width: int = Field(
        1280, ge=16, le=7680, description="Wider frames are scaled down to this width, px."
    )
    jpeg_quality: int = Field(80, ge=30, le=100, description="JPEG quality (4:2:0).")
    rtsp_transport: Literal["tcp", "udp"] = Field("tcp", description="How RTSP cameras send.")
    stall_timeout_s: float = Field(
        5.0, gt=0, le=300, description="A camera silent for this long is reconnected, s."
    )
    backoff_max_s: float = Field(
        30.0, gt=0, le=3600, description="Longest pause between two tries at a camera, s."
    )
    stream_frames: int = Field(
        16, ge=2, le=1024, description="Frames a recording's stream holds; ingest waits beyond it."
    )
    live_frames: int = Field(
        4, ge=1, le=1024, description="Frames a live camera's stream holds; older ones fall out."
    )
    decode_threads: int = Field(
        1,
        ge=1,
        le=64,
        description="Threads that decode a file. With more than one, decoding runs ahead: worth it "
        "where a file is read faster than in real time and there are many cores.",
    )
    folder_fps: float = Field(
        2.0, gt=0, le=60, description="Pictures per second of media time for a folder."
    )
    loop: int = Field(1, ge=0, description="How often a file or folder is played; 0: for ever.")
    transport: Literal["auto", "redis", "shared"] = Field(
        "auto",
        description="How pixels reach the workers: in the stream, or (ingest and workers on one "
        "host) in shared memory. auto: shared where Redis is on this host.",
    )


class WorkerSettings(_Section):
    """How frames are analysed."""

    count: int = Field(
        0, ge=0, le=256, description="Worker processes `readroom run` starts; 0: one per core."
    )
    engines: tuple[EngineName, ...] = Field(
        ("face", "expression", "pose"),
        description="What a worker runs; its lane (consumer group) is named after it. mesh (brows, "
        "lids and mouth in detail) and identity (the same person in two cameras) are there for "
        "who has their networks' files. expression, mesh and identity need face beside them.",
    )
    device: str = Field(
        "cpu",
        pattern=r"^(cpu|cuda(:\d+)?)$",
        description="Where networks run: cpu (cuda, cuda:1: not yet).",
    )
    networks: tuple[str, ...] = Field(
        (),
        description="Networks to run in place of those that would be chosen, one for a task at "
        "most: names as `readroom models list` gives them, such as `yunet_n_dynamic`.",
    )
    face_every: int = Field(
        1,
        ge=1,
        le=1000,
        description="Run faces on every n-th frame of a camera: on each one that reaches or "
        "passes a multiple of n (seq counts what ingest left out, too).",
    )
    expression_every: int = Field(
        1,
        ge=1,
        le=1000,
        description="The same for expressions. They are read of faces found in the same frame, so "
        "a turn between two frames with faces runs on the next one that has them (face_every=2, "
        "expression_every=3: frames 0, 4, 6, 10, …).",
    )
    pose_every: int = Field(
        1,
        ge=1,
        le=1000,
        description="The same for poses. In a lane with faces they wait for a frame with faces in "
        "the same way, unless they are to run more often than faces; then they also run in "
        "between, around faces that the same worker saw up to 1 s before.",
    )
    face_score_ratio: float = Field(
        0.7, ge=0, le=1, description="Faces below this detector score are ignored."
    )
    face_input_width_px: int = Field(
        640, ge=160, le=1920, description="Width at which faces are searched, px."
    )
    min_face_px: int = Field(
        32,
        ge=8,
        le=512,
        description="Narrower faces are not read for expression, px: as small as reading was "
        "measured to be honest (docs/expression.md).",
    )
    max_people: int = Field(32, ge=1, le=200, description="People analysed per frame at most.")
    batch_frames: int = Field(
        2, ge=1, le=64, description="Frames analysed at once when they are waiting."
    )
    reclaim_idle_s: float = Field(
        10.0, ge=1, le=600, description="A frame held this long by a silent worker is taken over."
    )

    @field_validator("engines", mode="before")
    @classmethod
    def _split_engines(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if not value.strip():
            raise ValueError(f"is empty; name one or more of {', '.join(ENGINES)}")
        return re.split(r"[,+\s]+", value.strip())

    @field_validator("networks", mode="before")
    @classmethod
    def _split_networks(cls, value: Any) -> Any:
        return _words(value)

    @field_validator("engines")
    @classmethod
    def _order_engines(cls, value: tuple[EngineName, ...]) -> tuple[EngineName, ...]:
        if not value:
            raise ValueError("name at least one engine")
        return _in_order(value)


class AggregatorSettings(_Section):
    """How observations become timelines."""

    reorder_s: float = Field(
        0.5, ge=0.02, le=30, description="Longest wait for a live frame's missing results, s."
    )
    publish_hz: float = Field(4.0, gt=0, le=20, description="Room states per second.")
    commit_s: float = Field(
        0.5, gt=0, le=1, description="Longest time between two commits of the session store, s."
    )
    sample_hz: float = Field(4.0, gt=0, le=30, description="Stored samples per person and second.")
    lane_timeout_s: float = Field(
        5.0, ge=0.5, le=600, description="A lane silent this long is no longer waited for (live)."
    )
    session: Literal["auto", "command"] = Field(
        "auto",
        description="auto: a session starts with the first frame. command: live cameras are read "
        "and shown, but nothing is stored until `readroom session start`.",
    )
    keep_days: float = Field(
        90.0, ge=0, description="Sessions that ended this long ago are erased, days; 0: never."
    )
    neutral_s: float = Field(
        0.0,
        ge=0,
        le=600,
        description="Take each person's first so many seconds as how they look at rest, and read "
        "what differs from it, s; 0: don't.",
    )


class HttpSettings(_Section):
    """Addresses that the boxes listen on. Anything but loopback needs a token, and so does whoever
    changes something through the page or the API."""

    host: str = Field("127.0.0.1", min_length=1, description="Address to bind.")
    port: Port = Field(
        8710, description="The live page's port; 0: any free one. (`readroom live`, `run`)"
    )
    metrics_port: Port = Field(9310, description="The aggregator's /metrics port; 0: any free one.")
    box_port: Port = Field(
        0, description="An ingest's or a worker's /metrics port; 0: any free one, see /targets."
    )
    token: SecretStr | None = Field(
        None,
        description="Token of 16 characters or more, asked of whatever changes something, and of "
        "every request once the address is not loopback. Unset: `readroom run` makes one for its "
        "run; a page of its own (`readroom live`) changes nothing.",
    )
    pictures: Literal["off", "blurred", "plain"] = Field(
        "off",
        description="Whether the page may show the cameras' pictures: off, with blurred faces, or "
        "as they are. They are never stored.",
    )
    hosts: tuple[str, ...] = Field(
        (),
        description="Further names this service is reached by, such as a proxy's (checked against "
        "Host, Origin). With one every request needs the token.",
    )

    @field_validator("hosts", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return _words(value)

    @model_validator(mode="after")
    def _token_beyond_loopback(self) -> HttpSettings:
        token = self.token.get_secret_value() if self.token else ""
        if self.host not in LOOPBACK and len(token) < SHORTEST_TOKEN:
            raise ValueError(
                f"{self.host} is reachable from other machines: set READROOM_HTTP__TOKEN to "
                f"{SHORTEST_TOKEN} characters or more, or bind 127.0.0.1"
            )
        if self.hosts and not token:
            raise ValueError(
                f"hosts (READROOM_HTTP__HOSTS) names {self.hosts[0]}, behind which anybody may be: "
                f"set READROOM_HTTP__TOKEN to {SHORTEST_TOKEN} characters or more"
            )
        if token and len(token) < SHORTEST_TOKEN:
            raise ValueError(
                f"token (READROOM_HTTP__TOKEN) has {len(token)} characters: "
                f"take {SHORTEST_TOKEN} or more, or leave it unset"
            )
        return self

    @model_validator(mode="after")
    def _ports_differ(self) -> HttpSettings:
        if self.port and self.port == self.metrics_port:
            raise ValueError(
                f"port and metrics_port are both {self.port}: the live page and the aggregator "
                "need one each"
            )
        return self


class GrafanaSettings(_Section):
    """The Grafana that `readroom grafana` pushes dashboards and annotations to; nothing else uses
    it."""

    url: str = Field("http://127.0.0.1:3000", description="Grafana's address, as in a browser.")
    token: SecretStr | None = Field(
        None,
        description="Token of a service account that may edit dashboards and annotations "
        "(role Editor).",
    )

    @field_validator("url")
    @classmethod
    def _an_address(cls, value: str) -> str:
        if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#@]*)?", value):
            raise ValueError(
                "must be like http://127.0.0.1:3000 or https://example.org/grafana, without user, "
                "password or query; the token goes into READROOM_GRAFANA__TOKEN"
            )
        return value.rstrip("/")


class Settings(BaseSettings):
    """All settings. Build it with :func:`load_settings`, which turns errors into one line."""

    model_config = SettingsConfigDict(
        env_prefix="READROOM_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        enable_decoding=False,
    )

    room: Name = Field("room", description="Name of the room: part of every Redis key.")
    title: str = Field("", max_length=300, description="Title of the session.")
    purpose: Purpose | None = Field(
        None,
        description="What the read-out is for: audience, research, own_training or safety; or "
        "workplace or education, where the EU AI Act, Art. 5(1)(f), prohibits inferring emotions: "
        "then no expression is computed, stored, exported or named anywhere. Unset: asked once, "
        "before the first real camera.",
    )
    sources: tuple[str, ...] = Field(
        (),
        repr=False,  # A camera's address may hold its password.
        description="Cameras, each `SOURCE` or `NAME=SOURCE`: an rtsp:// or http:// address, a "
        "webcam's number or /dev/video path, a file, a folder of pictures, `demo:left`. "
        "Separated by white space (quote a path that has some).",
    )
    markers: tuple[str, ...] = Field(
        (),
        description="Moments of recordings that are marked as they are played, each "
        "`SECONDS=LABEL` of media time: `12.5=pricing` (quote a label that has white space).",
    )
    lanes: tuple[str, ...] = Field(
        (),
        description="Lanes a recording must pass: each as `face+expression+pose`. Default: one, "
        "with this process's engines.",
    )
    models: Path | None = Field(
        None,
        description="A folder of networks, looked into before those of the package and the cache.",
    )
    cache: Path = Field(
        Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "readroom",
        description="Where `readroom models pull` keeps networks.",
    )
    data: Path = Field(
        Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "readroom",
        description="Where the session store lies.",
    )
    chromium: Path | None = Field(
        None,
        description="Chromium or Chrome that prints `readroom report --pdf`; unset: one on PATH.",
    )
    log_format: Literal["text", "json"] = Field(
        "text", description="text for people, json for machines; one line per event either way."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severe log line that is written."
    )
    redis: RedisSettings = RedisSettings()
    ingest: IngestSettings = IngestSettings()
    workers: WorkerSettings = WorkerSettings()
    aggregator: AggregatorSettings = AggregatorSettings()
    http: HttpSettings = HttpSettings()
    grafana: GrafanaSettings = GrafanaSettings()

    @field_validator("purpose", mode="before")
    @classmethod
    def _in_any_case(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if not value.strip():
            raise ValueError(f"is empty; name one of {', '.join(PURPOSES)}, or leave it unset")
        return value.strip().lower()

    @field_validator("sources", "lanes", "markers", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return _words(value)

    @field_validator("lanes")
    @classmethod
    def _canonical_lanes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        # A lane that no worker serves would hold up a recording for ever.
        lanes = tuple(lane_name(_engines_of(lane)) for lane in value)
        if len(set(lanes)) < len(lanes):
            raise ValueError("the same lane is named twice")
        return lanes

    @field_validator("markers")
    @classmethod
    def _known_moments(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for marker in value:
            _moment(marker)
        return value

    @property
    def moments(self) -> tuple[tuple[float, str], ...]:
        """The markers: media time in s, and label; by time."""
        return tuple(sorted(map(_moment, self.markers)))

    @property
    def without_emotion(self) -> bool:
        """Whether no expression may be computed, stored, exported or named."""
        return self.purpose in WITHOUT_EMOTION

    @property
    def engines(self) -> tuple[EngineName, ...]:
        """What a worker of this process may run: as set, but for what the purpose forbids."""
        return self._allowed(self.workers.engines)

    @property
    def lane_names(self) -> tuple[str, ...]:
        """The lanes every recorded frame passes: as set, else the one of this process; without
        what the purpose forbids, which may leave fewer."""
        lanes = map(_engines_of, self.lanes) if self.lanes else (self.engines,)
        return tuple(dict.fromkeys(lane_name(self._allowed(engines)) for engines in lanes))

    def _allowed(self, engines: tuple[EngineName, ...]) -> tuple[EngineName, ...]:
        return tuple(e for e in engines if e in PLAIN_ENGINES or not self.without_emotion)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags over environment over secret files over TOML file over defaults."""
        return (
            init_settings,
            _Environment(settings_cls),
            _SecretFiles(settings_cls),
            TomlConfigSettingsSource(settings_cls, toml_file=_config_file()),
        )


class _Environment(EnvSettingsSource):
    """The environment without what names secret files: no field is called so."""

    def __init__(self, settings_cls: type[BaseSettings]) -> None:
        super().__init__(settings_cls)
        files = {f"{variable}_FILE" for variable in FROM_FILES}
        self.env_vars = {k: v for k, v in self.env_vars.items() if k.upper() not in files}


class _SecretFiles(PydanticBaseSettingsSource):
    """Settings that lie in files, as containers and systemd hand secrets to a program."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Asked of a source that goes field by field, which this one doesn't."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """What the files say, by section; nothing of a setting whose variable stands itself."""
        names = {name.upper(): name for name in os.environ}
        found: dict[str, Any] = {}
        for variable in FROM_FILES:
            named = names.get(f"{variable}_FILE")
            if named is None or variable in names:
                continue
            section, _, field = environment_names()[variable].rpartition(".")
            place = found.setdefault(section, {}) if section else found
            place[field] = _secret_in(named)
        return found


def _secret_in(variable: str) -> str:
    """The text of the file that ``variable`` names, without the line's end that editors add."""
    path = Path(os.environ[variable])
    try:
        text = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no text in UTF-8"
        raise BadSettings(f"{variable}={path}: can't be read ({reason})") from None
    if not text:
        raise BadSettings(f"{variable}={path}: the file is empty")
    return text


#: Settings that may be or hold a secret. Each can lie in a file, which its variable with ``_FILE``
#: behind it names: what stands in an environment is shown by `docker inspect`, and inherited.
FROM_FILES = (
    *("READROOM_REDIS__URL", "READROOM_HTTP__TOKEN", "READROOM_SOURCES"),
    "READROOM_GRAFANA__TOKEN",
)
#: Variables of the environment that are no fields: where the TOML file is, which parent a
#: box ends with (see readroom.box).
_PARENT = "READROOM_PARENT_PID"
_OTHER_VARIABLES = ("READROOM_CONFIG", _PARENT)


def supervised() -> bool:
    """Whether this process belongs to a `readroom run`, which has said what there is to say."""
    return _PARENT in os.environ


def _moment(marker: str) -> tuple[float, str]:
    """Time (s) and label of ``12.5=pricing``. Raises ValueError where it is none."""
    seconds, _, label = marker.partition("=")
    label = " ".join(label.split())
    try:
        at_s = float(seconds)
    except ValueError:
        at_s = -1.0
    if not (0 <= at_s < math.inf and label and label.isprintable() and len(label) <= LONGEST_LABEL):
        raise ValueError(
            f"{marker!r} is no marker: write SECONDS=LABEL, such as 12.5=pricing, with a label of "
            f"{LONGEST_LABEL} characters at most"
        )
    return at_s, label


def lane_name(engines: tuple[EngineName, ...]) -> str:
    """The consumer group of workers that run ``engines``: their names joined by ``+``."""
    return "+".join(engines)


def _engines_of(lane: str) -> tuple[EngineName, ...]:
    """The engines of a lane, in the order of ENGINES. Raises ValueError where it can't be one."""
    words = lane.split("+")
    if not set(words) <= set(ENGINES):
        raise ValueError(f"{lane!r} is no lane: join some of {', '.join(ENGINES)} by +")
    return _in_order(words)


def _in_order(names: Collection[str]) -> tuple[EngineName, ...]:
    """Engines that one worker can run, in the order of ENGINES. Raises ValueError where some read
    faces and none finds them."""
    engines: tuple[EngineName, ...] = tuple(engine for engine in ENGINES if engine in names)
    readers = [engine for engine in engines if engine in _READ_FACES]
    if readers and "face" not in engines:
        needs = "needs" if len(readers) == 1 else "need"
        raise ValueError(
            f"{' and '.join(readers)} {needs} face in the same worker: make it "
            f"face+{lane_name(engines)}"
        )
    return engines


def _config_file() -> Path | None:
    named = os.environ.get("READROOM_CONFIG")
    if named:
        return Path(named)
    default = Path("readroom.toml")
    return default if default.is_file() else None


def environment_names() -> dict[str, str]:
    """Every environment variable a setting can be given by, mapped to its dotted name."""
    names: dict[str, str] = {}
    for field, info in Settings.model_fields.items():
        section = info.annotation
        if isinstance(section, type) and issubclass(section, _Section):
            for inner in section.model_fields:
                names[f"READROOM_{field}__{inner}".upper()] = f"{field}.{inner}"
        else:
            names[f"READROOM_{field}".upper()] = field
    return names


def to_environment(settings: Settings) -> dict[str, str]:
    """The environment that makes another process read the same settings: every field that has
    a value, defaults included, since a flag may have set one back to its default against this
    process's own environment or TOML file, which the other process sees too. Secrets travel
    this way and never on a command line."""
    variables: dict[str, str] = {}
    for variable, dotted in environment_names().items():
        value: Any = settings
        for part in dotted.split("."):
            value = getattr(value, part)
        if value is None:
            continue
        if isinstance(value, SecretStr):
            value = value.get_secret_value()
        variables[variable] = shlex.join(value) if isinstance(value, tuple) else str(value)
    return variables


def _refuse_unknown_variables() -> None:
    known = environment_names()
    for name in os.environ:
        if not name.upper().startswith("READROOM_") or name.upper() in known:
            continue
        if name in _OTHER_VARIABLES or name.upper().removesuffix("_FILE") in FROM_FILES:
            continue
        last = name.upper().rpartition("_")[2]
        near = [known_name for known_name in known if known_name.endswith(f"__{last}")]
        near = near[:1] or difflib.get_close_matches(name.upper(), known, n=1)
        hint = f"; did you mean {near[0]}?" if near else "; docs/settings.md lists them all"
        raise BadSettings(f"{name}: no such setting{hint}")


def load_settings(**overrides: Any) -> Settings:
    """Read the settings; keyword ``overrides`` (None: not given) stand for command line flags,
    sections as dictionaries. Raises :class:`BadSettings` with one line naming the field."""
    _refuse_unknown_variables()
    config = _config_file()
    if config is not None and not config.is_file():
        raise BadSettings(f"READROOM_CONFIG={config}: no such file")
    given = {
        key: {k: v for k, v in value.items() if v is not None} if isinstance(value, dict) else value
        for key, value in overrides.items()
        if value is not None
    }
    try:
        return Settings(**cast(Any, given))
    except ValidationError as error:
        raise BadSettings(_first_error(error)) from None
    except tomllib.TOMLDecodeError as error:
        raise BadSettings(f"{config}: not a TOML file: {error}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettings(f"{config}: can't be read as a TOML file: {error}") from None


def _first_error(error: ValidationError) -> str:
    first = error.errors()[0]
    # Without the place in a list: the value says which one it is.
    field = ".".join(part for part in first["loc"] if isinstance(part, str))
    variable = next((v for v, dotted in environment_names().items() if dotted == field), None)
    secret = any(word in field for word in ("token", "url", "sources"))
    value = "" if secret or isinstance(first["input"], dict | BaseModel) else f"={first['input']!r}"
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        message = "no such setting; docs/settings.md lists them all"
    named = f" ({variable})" if variable else ""
    return redact(f"{field or 'settings'}{value}{named}: {message}")
