"""The run file: one frozen tree that says everything a run does.

Read from YAML by `rehearsal.runfile`; every default stands here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from domain.base import Noun, canonical_json, content_id
from domain.casting import CastingSettings
from domain.price import Price

if TYPE_CHECKING:
    from pydantic.main import TupleGenerator

EMBEDDED = "understudy"
"""The `base_url` that stands for a server the command line starts itself."""

UNHASHED = ("budget", "discriminator")
"""Keys of `campaign` that no session's bytes depend on: what it may spend; and the discriminator,
which is known by what is in its file (`campaigns.manifest`), not by where it lies."""

Variant = Literal["real", "synthetic", "hybrid", "real-oversampled", "shuffled"]
TrackerName = Literal["tensorboard", "mlflow", "wandb"]


class EndpointSettings(Noun):
    """Where a model is reached and how patiently."""

    base_url: str = EMBEDDED
    """Root of an OpenAI-compatible API, e.g. `https://host/v1`; `understudy` starts ours."""
    api_key_env: str = Field(default="OPENAI_API_KEY", pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")
    """Name of the environment variable with the key; the key itself is never stored."""
    trusted_for_real: bool = False
    """Whether text that derives from real people may be sent there."""
    concurrency: int = Field(default=256, ge=1, le=4096)
    """Calls under way there at most, over all workers; how many it really takes is found out."""
    requests_per_minute: int | None = Field(default=None, ge=1)
    """Rate that is kept to over all workers; null for none."""
    tokens_per_minute: int | None = Field(default=None, ge=1)
    """The same, for prompt and completion tokens together."""
    timeout_s: float = Field(default=120, gt=0)
    """Total time for one attempt, from connecting to the last byte."""
    retries: int = Field(default=4, ge=0, le=20)
    """How often a call that failed by itself is tried again."""
    patience_s: float = Field(default=1800, ge=0)
    """Seconds during which a call is repeated that the endpoint refused for being one too many, or
    that met an endpoint which answered nothing at all; that is no failure of the call."""

    @field_validator("base_url")
    @classmethod
    def _plain_address(cls, value: str) -> str:
        """Refuse what is no address, and addresses that carry a password or a query."""
        if value == EMBEDDED:
            return value
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("an address such as http://127.0.0.1:8000/v1, or understudy")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("an address without user, password or query; keys go into api_key_env")
        return value


class RoleSettings(EndpointSettings):
    """One role's model and sampling, on top of its endpoint."""

    model: str = Field(min_length=1)
    """Name of the model as the endpoint knows it."""
    temperature: float | None = Field(default=None, ge=0, le=2)
    """Sampling temperature; null leaves it to the endpoint."""
    top_p: float | None = Field(default=None, gt=0, le=1)
    """Share of nucleus sampling; null leaves it to the endpoint."""
    max_tokens: int = Field(default=400, ge=1)
    """Longest answer, in tokens; what a model thinks may count."""


class RolesSettings(Noun):
    """Who plays whom."""

    client: RoleSettings = RoleSettings(model="understudy-client", temperature=0.8)
    therapist: RoleSettings = RoleSettings(model="understudy-therapist:novice", temperature=0.7)
    supervisor: RoleSettings = RoleSettings(
        model="understudy-supervisor", temperature=0.0, max_tokens=4000
    )
    judge: RoleSettings = RoleSettings(model="understudy-judge", temperature=0.0, max_tokens=600)
    caster: RoleSettings | None = None
    """Writes personas where `campaign.casting.by` is `model`, and is nobody otherwise."""

    def __iter__(self) -> TupleGenerator:
        """Yield (name, settings) of the roles that somebody plays."""
        yield from ((name, role) for name, role in super().__iter__() if role is not None)


CASTER = RoleSettings(model="understudy-caster", temperature=1.0, max_tokens=2000)
"""What the caster is where it is needed and the run file says no more."""


class EngineSettings(Noun):
    """Where sessions are played."""

    kind: Literal["ray", "inline"] = "ray"
    """`inline` plays everything in one process, without Ray."""
    workers: int = Field(default=2, ge=1)
    """Worker processes on Ray."""
    sessions_in_flight: int = Field(default=256, ge=1)
    """Sessions that one worker plays at the same time; 256 of 20 turns take about 330 MiB."""
    ray_address: str | None = None
    """Null starts a Ray of our own; `auto` or `ray://host:10001` joins a cluster."""
    store: str | None = None
    """Where the ledger of a run that begins is kept: null for files of SQLite in its folder, or
    `postgresql://user@host:5432/database`. The password is read from PGPASSWORD or ~/.pgpass."""

    @field_validator("store")
    @classmethod
    def _no_password(cls, value: str | None) -> str | None:
        """Refuse other databases, and passwords: the run file is copied and shared."""
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in {"postgresql", "postgres"} or not parts.path.strip("/"):
            raise ValueError("an address such as postgresql://user@host:5432/database, or null")
        if parts.password is not None or "password" in parts.query:
            raise ValueError(
                "an address without a password, which belongs in PGPASSWORD or ~/.pgpass"
            )
        return value


class BudgetSettings(Noun):
    """What a campaign may spend. Reaching it ends with exit 4; `resume` continues."""

    calls: int | None = Field(default=None, ge=0)
    """Calls in all, over every run of the campaign; null for no limit."""
    tokens: int | None = Field(default=None, ge=0)
    """Prompt and completion tokens in all; null for no limit."""
    usd: float | None = Field(default=None, ge=0)
    """US dollars, by the prices of `engine/spending/prices.yaml` and `prices` below."""
    deadline_s: float | None = Field(default=None, gt=0)
    """Seconds of this run after which no new call is made."""


class DiscriminatorSettings(Noun):
    """Sends back what is easily told from real sessions: the adversarial part, round by round."""

    after: str | None = None
    """The run of the round before, as a folder: its discriminator reads this round's drafts. Null
    for the first round, which is only learned from."""
    send_back: float = Field(default=0.2, gt=0, lt=1)
    """Share of a round's accepted sessions that its discriminator would have sent back: what is
    above them in the next round goes back."""


class CampaignSettings(Noun):
    """How many sessions, how long, and how often a session may be revised."""

    sessions: int = Field(default=32, ge=1)
    """Sessions that are played."""
    exchanges: int = Field(default=10, ge=3, le=60)
    """Therapist turns in a session at most; the plan for the hour is laid out over them."""
    revisions: int = Field(default=2, ge=0, le=10)
    """Rewinds of a session at most; 0 plays each once."""
    cast: str | None = None
    """A JSONL file of plan items to play instead of casting from the pack."""
    casting: CastingSettings = CastingSettings()
    budget: BudgetSettings = BudgetSettings()
    discriminator: DiscriminatorSettings | None = None
    """Null leaves it out."""


ColumnUse = Literal[
    "session", "speaker", "text", "start", "topic", "quality", "group",
    "client", "therapist", "title", "names",
]  # fmt: skip
"""What a column of a table may hold: one utterance to a row, or a client's words and an answer."""


class ReadingSettings(Noun):
    """What transcripts do not say themselves."""

    columns: dict[ColumnUse, str] = Field(default_factory=dict)
    """Which column of a table holds what; empty goes by their names."""
    therapist: tuple[str, ...] = ()
    """Speaker labels that are the therapist's."""
    client: tuple[str, ...] = ()
    """Speaker labels that are the client's."""
    nobody: tuple[str, ...] = ()
    """Speaker labels whose words are left out: an interpreter, an observer."""
    encoding: str | None = None
    """Such as `cp1251`; null finds it out."""


class CompareSettings(Noun):
    """How synthetic sessions are held against real ones, and what is asked of them."""

    encoder: str | None = None
    """A sentence encoder: a local folder, or an installed package that holds one; null for TF-IDF,
    which needs none."""
    sessions: int = Field(default=1000, ge=2)
    """Sessions of each side at most, drawn by the seed."""
    turns: int = Field(default=3000, ge=50)
    """Turns of each side and speaker at most that a classifier is tried on."""
    encoded: int = Field(default=400, ge=20)
    """Therapist turns of each side at most behind MMD, MAUVE, Vendi and self-BLEU, whose values
    depend on their number."""
    permutations: int = Field(default=500, ge=20)
    """Permutations of whole sessions behind the test of MMD."""
    thresholds: dict[str, float | None] = Field(default_factory=dict)
    """Other limits than those of `corpus/data/compare.yaml`, by name; null takes one away."""


Stratum = Literal["problem", "technique", "length", "quality"]


class BlendSettings(Noun):
    """How sources are mixed into what a model learns from."""

    by: Literal["sessions", "tokens", "weight"] = "sessions"
    """What `corpus.synthetic_share` is a share of: sessions, or the therapist's tokens, counted in
    words. `weight` goes by `weights` in its place: how often a collection's sessions come up."""
    weights: dict[str, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)
    """Weight of each session by its collection's name, such as `annomi: 3`; others have 1."""
    strata: tuple[Stratum, ...] = ()
    """What every beginning of a blend has in the proportions of its source."""
    even: bool = False
    """Whether strata come up equally often rather than in those proportions."""
    caps: dict[str, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    """Sessions of a collection at most, by its name."""
    order: Literal["mixed", "real-first", "synthetic-first", "short-first", "long-first"] = "mixed"
    """In which order sessions stand in a blend; `training.keep_order` learns them so."""
    near_duplicate: float = Field(default=0.7, ge=0.3, le=1)
    """Overlap of runs of five words from which the later of two sessions is left out; 1 leaves out
    the same only."""


class CorpusSettings(Noun):
    """What real material comes in, and how it is mixed."""

    transcripts: str | None = None
    """A file or folder of real transcripts."""
    reading: ReadingSettings = ReadingSettings()
    """How they are to be read."""
    licence: str = "unstated"
    """Licence of the transcripts, copied to every record and card."""
    use: Literal["research", "commercial"] = "research"
    """`commercial` refuses material whose licence does not allow it."""
    include_low_quality: bool = False
    """Whether sessions labelled poor may be training targets."""
    held_out_share: float = Field(default=0.2, gt=0, lt=1)
    """Share of the real sessions that nothing is trained on."""
    synthetic_share: float = Field(default=0.5, ge=0, le=1)
    """Share of the hybrid blend's sessions that is synthetic."""
    spacy_model: str | None = None
    """A spaCy pipeline on this machine that screening looks for names with as well: a package such
    as `en_core_web_sm`, or a folder. Null needs no model; none is ever fetched."""
    canaries: int = Field(default=0, ge=0, le=6)
    """Invented lines planted in every blend (the first once, then 2, 4, … times) to see how readily
    a model says again what it was trained on; see docs/corpus.md."""
    blend: BlendSettings = BlendSettings()
    compare: CompareSettings = CompareSettings()


class LoraSettings(Noun):
    """LoRA as in Hu et al., 2021; names follow PEFT's LoraConfig."""

    r: int = Field(default=16, ge=1)
    """Rank of the update."""
    alpha: int = Field(default=32, ge=1)
    """The update is scaled by alpha / r."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Dropout before the update, while training."""
    target_modules: str | tuple[str, ...] = "all-linear"
    """Layers that get one, by name; `all-linear` takes every linear one."""
    rslora: bool = False
    """Scale by alpha / √r rather than alpha / r (Kalajdzievski, 2023): for high ranks."""
    dora: bool = False
    """Learn direction and magnitude apart (DoRA; Liu et al., 2024); slower per step."""
    qlora: bool = False
    """Keep the frozen base in 4 bits (NF4, twice quantised; Dettmers et al., 2023). Needs
    bitsandbytes."""


class PreferenceSettings(Noun):
    """Preference tuning (DPO; Rafailov et al., 2023) on drafts and what a rewind made of them."""

    beta: float = Field(default=0.1, gt=0)
    """How dear it is to move away from the adapter that is tuned."""
    learning_rate: float = Field(default=5e-6, gt=0)
    """Peak rate; a tenth or less of fine-tuning's."""
    epochs: float = Field(default=1.0, gt=0)
    """How often the pairs are gone through."""
    batch: int = Field(default=8, ge=1)
    """Pairs in one optimiser step."""
    max_length: int = Field(default=1024, ge=64)
    """Tokens of prompt and answer together; a longer prompt loses its oldest turns."""


class TrainingSettings(Noun):
    """What is trained on what. Every variant sees the same number of supervised tokens."""

    base: str = "tiny"
    """A causal LM by path or hub id; `tiny` trains a small Llama here."""
    variants: tuple[Variant, ...] = ("real", "synthetic", "hybrid")
    """Blends that an adapter is trained on."""
    method: Literal["lora", "full"] = "lora"
    """`full` trains every weight and writes a whole model in place of an adapter."""
    lora: LoraSettings = LoraSettings()
    preference: PreferenceSettings = PreferenceSettings()
    """For `rehearsal train preference`, after fine-tuning."""
    supervised_tokens: int = Field(default=60_000, ge=1)
    """Tokens with a loss that each variant is trained on."""
    tokens_per_step: int = Field(default=2_000, ge=1)
    """Supervised tokens that go into one optimiser step, over all workers."""
    max_length: int = Field(default=1024, ge=64)
    """Longest sequence, in tokens."""
    learning_rate: float = Field(default=2e-4, gt=0)
    """Peak rate. 2e-4 is usual for LoRA on models of 1B and more; the tiny base takes 1e-2."""
    warmup_share: float = Field(default=0.1, ge=0, lt=1)
    """Share of the steps over which the rate rises to its peak."""
    workers: int | tuple[int, int] = 1
    """Workers of one variant; variants are trained side by side. `[fewest, most]` lets Ray begin
    with as many as there is room for, and go on with more or fewer as machines come and go."""
    use_gpu: bool = False
    """Whether each worker takes a GPU."""
    batch_tokens: int | None = Field(default=None, ge=64)
    """Tokens of one forward pass: sessions are packed into rows of at most so many. It changes
    memory and rounding, not what is learned; a session longer than this is a row of its own. Null
    is 1,024 on a CPU and 8,192 on a GPU, halved where memory runs out."""
    attention: Literal["auto", "varlen", "flash", "flex", "segments", "mask", "alone"] = "auto"
    """How packed sessions are kept apart; `auto` takes the first that proves right on the base."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Of the base's weights; `auto` is float32 on a CPU and as stored on a GPU. What is trained is
    float32 in any case."""
    parallel: Literal["ddp", "fsdp"] = "ddp"
    """With several workers: a whole base on each, or its weights shared out for large ones."""
    activation_checkpointing: bool = False
    """Compute each layer a second time in the backward pass rather than keep what it made."""
    compile: bool = False
    """Compile the decoder layers with torch.compile."""
    liger: bool = False
    """Use Liger's kernels, where that package is installed."""
    keep_order: bool = False
    """Learn a blend in the order it stands in, on every pass: a curriculum (`corpus.blend.order`).
    Otherwise each pass has an order of its own."""
    gradient_clip: float = Field(default=1.0, gt=0)
    """Largest norm of a step's gradient."""
    patience: int | None = Field(default=None, ge=1)
    """Measurements of the loss on held-out real turns, ten a run, without a new best after which a
    variant stops; the adapter is then the best one. Null trains to the end and keeps the last."""
    checkpoints: int = Field(default=4, ge=1)
    """Checkpoints of a run, evenly, the last one at its end: what a killed worker costs."""
    max_failures: int = Field(default=2, ge=0)
    """How often a variant whose worker died is taken up again from its last checkpoint."""
    storage: str | None = None
    """Where checkpoints are kept: a folder, or an object store such as `s3://bucket/folder`, which
    needs Ray. Null keeps them in the run's folder."""
    trackers: tuple[TrackerName, ...] = ()
    """Where the steps are shown besides the run's folder."""

    @field_validator("workers")
    @classmethod
    def _fewest_first(cls, value: int | tuple[int, int]) -> int | tuple[int, int]:
        fewest, most = value if isinstance(value, tuple) else (value, value)
        if not 1 <= fewest <= most:
            raise ValueError("a number of 1 or more, or [fewest, most] with fewest not above most")
        return value

    @field_validator("storage")
    @classmethod
    def _no_secrets(cls, value: str | None) -> str | None:
        if value is not None and "@" in urlsplit(value).netloc:
            raise ValueError("an address without user or password; keys go into the environment")
        return value

    @property
    def fewest_workers(self) -> int:
        """Workers that a variant cannot be trained with fewer than."""
        return self.workers if isinstance(self.workers, int) else self.workers[0]

    @property
    def most_workers(self) -> int:
        """Workers that a variant is trained with where there is room."""
        return self.workers if isinstance(self.workers, int) else self.workers[1]


class PanelSettings(Noun):
    """Who judges besides `roles.judge`, and how often each is asked."""

    judges: tuple[RoleSettings, ...] = ()
    """Further judges; what they leave out is taken from `endpoint`, as for a role."""
    samples: int = Field(default=1, ge=1, le=20)
    """How often each judge is asked the same, each time under a seed of its own."""


class PairwiseSettings(Noun):
    """Replies held beside each other, two at a time and in both orders."""

    scenarios: int = Field(default=0, ge=0)
    """Scenarios on which every two variants are compared; 0 compares none."""
    criteria: tuple[str, ...] = ("empathy",)
    """Criteria of the comparison; each costs two calls a pair, judge and sample."""


class SessionsSettings(Noun):
    """Whole sessions of each model under test with a client that `roles.client` plays."""

    scenarios: int = Field(default=0, ge=0)
    """Held-out sessions that every variant plays, the same for all; 0 plays none."""
    exchanges: int = Field(default=8, ge=3, le=60)
    """Therapist turns in a session at most."""
    criteria: tuple[str, ...] = (
        "empathy", "safety", "ctrs_understanding", "ctrs_interpersonal", "ctrs_collaboration",
        "ctrs_guided_discovery", "ctrs_key_cognitions", "ctrs_strategy",
    )  # fmt: skip
    """What a whole session is judged on."""
    cast: str | None = None
    """A JSONL file of plan items to play instead of casting from the pack. What a blend has seen
    of it stops the evaluation."""


class AdversarialSettings(Noun):
    """Prompts on which an answer can do harm."""

    per_kind: int = Field(default=0, ge=0)
    """Prompts of each kind that every variant answers, the first in the file; 0 asks none."""
    criterion: str = "safety"
    """The tree of questions by which an answer is safe or not."""
    file: str | None = None
    """A set of your own; null takes the pack's, or that of `cbt` where it has none."""


class HostedSettings(EndpointSettings):
    """A model under test behind somebody's endpoint."""

    base_url: str
    """Root of its OpenAI-compatible API."""
    model: str = Field(min_length=1)
    """Name of the model as the endpoint knows it."""
    temperature: float | None = Field(default=None, ge=0, le=2)
    """Sampling temperature; null takes `evaluation.temperature`."""
    top_p: float | None = Field(default=None, gt=0, le=1)
    """Share of nucleus sampling; null leaves it to the endpoint."""
    max_tokens: int | None = Field(default=None, ge=1)
    """Longest answer, in tokens; null takes `evaluation.max_new_tokens`. What a model thinks may
    count."""


CandidateName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$")]


class EvaluationSettings(Noun):
    """What is compared, on what."""

    server: Literal["auto", "builtin", "vllm"] = "auto"
    """What serves the models under test: `auto` is vLLM where there is a GPU and a vLLM beside it,
    and our own server elsewhere."""
    server_args: tuple[str, ...] = ()
    """More words for that server's command line, such as `--max-model-len` and `8192`."""
    server_startup_s: float = Field(default=600, gt=0)
    """How long a server may load its models before it is given up."""
    models: dict[CandidateName, str] = Field(default_factory=dict)
    """Further models to compare, by name: folders with an adapter of the base, or with a whole
    model such as `train merge` writes."""
    hosted: dict[CandidateName, HostedSettings] = Field(default_factory=dict)
    """Further models to compare that others serve, by name."""

    criteria: tuple[str, ...] = ("empathy", "relevance")
    """Names of the pack's judge rubrics, or of those in `criteria_files`."""
    criteria_files: tuple[str, ...] = ()
    """Criteria of your own: files, or folders of them, in the form of the pack's."""
    panel: PanelSettings = PanelSettings()
    pairwise: PairwiseSettings = PairwiseSettings()
    sessions: SessionsSettings = SessionsSettings()
    adversarial: AdversarialSettings = AdversarialSettings()
    budget: BudgetSettings = BudgetSettings()
    """What judging may spend in all, over every evaluation of the run."""
    contexts: int = Field(default=40, ge=2)
    """Held-out scenarios that every variant answers."""
    max_new_tokens: int = Field(default=60, ge=1)
    """Longest answer of a model under test, in tokens."""
    temperature: float = Field(default=0.7, ge=0, le=2)
    """Sampling temperature of the models under test."""
    bootstrap_samples: int = Field(default=4000, ge=100)
    """Resamples behind each interval."""
    controls: bool = True
    """Whether candidates whose outcome is known are judged too; the therapist's model is asked."""

    @model_validator(mode="after")
    def _own_names(self) -> EvaluationSettings:
        """Refuse a name that another model has."""
        taken = {"base", "reference", *get_args(Variant)}
        for name in (*self.models, *self.hosted):
            if name in taken:
                raise ValueError(f"another name than {name}, which a model of its own has")
            taken.add(name)
        return self


def _casts_by_model(data: dict[str, Any]) -> bool:
    """Whether raw settings ask for personas that a model writes."""
    campaign = data.get("campaign")
    casting = campaign.get("casting") if isinstance(campaign, dict) else None
    if isinstance(campaign, CampaignSettings):
        return campaign.casting.by == "model"
    return isinstance(casting, dict) and casting.get("by") == "model"


class Settings(Noun):
    """A whole run.

    Keys under `endpoint` are the defaults of every role; a role may set its own.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    """Names the run and its folder; the file's own name where it is left out."""
    seed: int = Field(default=7, ge=0, lt=2**31)
    """All that is drawn derives from it: the same seed gives the same bytes."""
    pack: str = "cbt"
    """The domain pack: prompts, rubrics and taxonomies."""
    endpoint: EndpointSettings = EndpointSettings()
    roles: RolesSettings = RolesSettings()
    engine: EngineSettings = EngineSettings()
    campaign: CampaignSettings = CampaignSettings()
    prices: dict[str, Price] = Field(default_factory=dict)
    """US dollars for a million tokens by model, before those of `engine/spending/prices.yaml`."""
    corpus: CorpusSettings = CorpusSettings()
    training: TrainingSettings = TrainingSettings()
    evaluation: EvaluationSettings = EvaluationSettings()

    @model_validator(mode="before")
    @classmethod
    def _spread_endpoint(cls, data: Any) -> Any:  # noqa: ANN401 - raw input
        """Give every role the endpoint's keys that it does not set, and its default model."""
        if not isinstance(data, dict):
            return data
        endpoint, roles = data.get("endpoint") or {}, data.get("roles") or {}
        if not isinstance(endpoint, dict) or not isinstance(roles, dict):
            return data
        filled = dict(roles)
        for name, field in RolesSettings.model_fields.items():
            own, default = roles.get(name), field.default
            if default is None and (own is not None or _casts_by_model(data)):
                default = CASTER
            if default is not None and (own is None or isinstance(own, dict)):
                defaults = default.model_dump(exclude_unset=True)
                filled[name] = {**defaults, **endpoint, **(own or {})}
        return {**_with_panel(data, endpoint), "roles": filled}

    def campaign_hash(self) -> str:
        """Hash of what a session's bytes depend on: not the addresses, workers or budget."""
        moved = set(EndpointSettings.model_fields)
        parts = {
            "seed": self.seed,
            "pack": self.pack,
            "roles": {
                name: role.model_dump(mode="json", exclude=moved)
                for name, role in self.roles
                if name != "judge"
            },
            "campaign": self.campaign.model_dump(mode="json", exclude=set(UNHASHED)),
        }
        return content_id("config", parts)

    def to_bytes(self) -> bytes:
        """The effective settings as canonical JSON."""
        return canonical_json(self)


def _with_panel(data: dict[str, Any], endpoint: dict[str, Any]) -> dict[str, Any]:
    """Give every judge of the panel the endpoint's keys that it does not set."""
    evaluation = data.get("evaluation")
    if not isinstance(evaluation, dict) or not isinstance(evaluation.get("panel"), dict):
        return data
    panel: dict[str, Any] = evaluation["panel"]
    judges = panel.get("judges")
    if not isinstance(judges, list | tuple):
        return data
    filled = [{**endpoint, **one} if isinstance(one, dict) else one for one in judges]
    return {**data, "evaluation": {**evaluation, "panel": {**panel, "judges": filled}}}
