"""python -m tools tables: write the tables of the documentation from the stored results.

Each table is between two comments, `<!-- table: NAME -->` and `<!-- end of table -->`, in
README.md or docs/. `--check` writes nothing, and fails if a table is stale.
"""

import argparse
import json
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pandas as pd

from core.choices import DEFENCES, NETWORKS
from core.cli.flags import Commands, add_command
from core.config import LEVELS, TRAIN_IMAGES
from core.errors import SweepError
from core.paths import ASSETS, ROOT
from core.sweep.figures import epochs_to_fit, fit_epochs, loss_curves, regularized, series_runs
from core.sweep.grids import EARLY, GRIDS
from core.sweep.protocol import label_runs
from core.sweep.reference import paper, paper_curve, sound_paper_curve
from core.sweep.replication import READ_EARLY
from core.sweep.results import load_epochs, load_runs
from core.sweep.statistics import against_corrupted_labels, decay_above_chance
from core.sweep.widths import weights_of, width_runs
from core.view.sweep.regularizers import name_regularizers
from core.view.widths.captions import DRAWN
from core.view.words import between, named_levels
from tools import cure_tables

MAKERS = {
    "bench.json": "`python -m tools bench --out assets/bench.json`",
    "curve.json": "`python -m tools bench --curve --out assets/curve.json`",
    "defences.json": "`python -m tools bench --defences --out assets/defences.json`",
    "first_minute.json": "`make first-minute`",
    "load.json": "`make load`",
    "load_hall.json": "`make load-hall`",
    "load_class.json": "`make load-class`",
    "times.json": "`python -m tools times`",
}
FILES = tuple(
    ROOT / name for name in ("README.md", "CONTRIBUTING.md", "docs/results.md", "docs/operations.md")
)
TABLE = re.compile(r"(<!-- table: ([a-z0-9-]+) -->\n).*?(<!-- end of table -->)", re.DOTALL)


def register(commands: Commands) -> None:
    parser = add_command(commands, "tables", run, "write the documentation's tables from the results")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a table is stale")


def run(options: argparse.Namespace) -> int:
    stale = []
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        new = TABLE.sub(lambda found: found[1] + TABLES[found[2]]() + found[3], text)
        if new != text:
            stale.append(str(path.relative_to(ROOT)))
            if not options.check:
                path.write_text(new, encoding="utf-8", newline="\n")
    if stale and options.check:
        raise SweepError(f"the tables in {', '.join(stale)} are stale: run `make tables`.")
    print(f"written: {', '.join(stale)}" if stale else "all tables are up to date")
    return 0


def full_scale(model: str) -> str:
    """The errors of one network at every level on all 50,000 images, next to the paper's figure 1c."""
    runs = label_runs(load_runs())
    runs = runs[runs.model == model]
    printed = paper_curve(paper(), model).set_index("level").test_error
    head = ["level", "seeds", "epochs", "training error", "test error"]
    if len(printed):
        head += ["with corrupted test labels", "the paper's test error"]
    rows = []
    for level in LEVELS:
        of_level = runs[runs.level == level]
        if not len(of_level):
            row = [f"{level:.0%}", "0", *["not computed yet"] * (len(head) - 2)]
            if len(printed):
                row[-1] = f"{100 * printed[level]:.2f}"
            rows.append(row)
            continue
        error = float(of_level.final_test_error.mean())
        epochs = sorted({int(epochs) for epochs in of_level.epochs_trained})
        row = [
            f"{level:.0%}",
            str(of_level.seed.nunique()),
            "–".join(str(count) for count in sorted({epochs[0], epochs[-1]})),
            f"{100 * of_level.final_train_error.mean():.2f}",
            f"{100 * error:.2f}",
        ]
        if len(printed):
            converted = against_corrupted_labels(error, level)
            row += [f"{100 * converted:.2f}", f"{100 * printed[level]:.2f}"]
        rows.append(row)
    return markdown(head, rows) + _early(runs)


def mini() -> str:
    """The test error on the 5,000 embedded images, and the epoch of fitting the training set."""
    runs = label_runs(load_runs(), "embedded")
    fitted = fit_epochs(runs, load_epochs(runs.run_id))
    models = [model for model in NETWORKS if model in set(runs.model)]
    head = ["level", *(name for model in models for name in (f"`{model}`", "fitted"))]
    rows = []
    for level in LEVELS:
        row = [f"{level:.0%}"]
        for model in models:
            of_level = runs[(runs.model == model) & (runs.level == level)]
            epochs = fitted[(fitted.model == model) & (fitted.level == level)].epoch
            row.append(_mean(100 * of_level.final_test_error, ".1f"))
            never = f"not in {runs.epochs_trained.max():.0f}"
            row.append(_mean(epochs, ".0f") if epochs.notna().all() else never)
        rows.append(row)
    seeds = []
    for model in models:
        counts = runs[runs.model == model].groupby("level").seed.nunique()
        seeds.append(f"`{model}` {between(int(counts.min()), int(counts.max()), 'seed')}")
    return markdown(head, rows) + f"\nFor each level: {', '.join(seeds)}.\n"


def exponents() -> str:
    """The exponent by which the accuracy above chance falls, for every network with enough levels."""
    rows, printed = [], paper()
    for data, images in TRAIN_IMAGES.items():
        runs = label_runs(load_runs(), data)
        for model in NETWORKS:
            means = runs[runs.model == model].groupby("level", as_index=False).final_test_error.mean()
            ours = decay_above_chance(means.level, means.final_test_error)
            if ours is None:
                continue
            converted = against_corrupted_labels(means.final_test_error, means.level)
            against = decay_above_chance(means.level, converted)
            curve = sound_paper_curve(printed, model)
            theirs = decay_above_chance(curve.level, curve.test_error) if data == "full" else None
            exponents = [
                f"{law.exponent:.2f} ± {law.error:.2f}" if law else "–"
                for law in (ours, against, theirs)
            ]
            rows.append([f"`{model}`", f"{images:,}", str(ours.levels), *exponents])
    head = ["network", "images", "levels", "true test labels", "corrupted test labels", "the paper"]
    return markdown(head, rows)


def regularizers() -> str:
    """Tables 1 and 4: every computed row, next to the paper's."""
    runs = label_runs(load_runs())
    ends = runs[runs.level.isin((0, 1))]  # the two levels of these tables
    rows = []
    for data, images in TRAIN_IMAGES.items():
        for model in NETWORKS:
            table = regularized(load_runs(), data, paper(), model)
            for row in table[table.train.notna()].to_dict("records"):
                values = [row[name] for name in ("train", "paper_train", "test", "paper_test")]
                rows.append(
                    [
                        f"`{model}`",
                        f"{images:,}",
                        row["labels"],
                        name_regularizers(row),
                        *(f"{100 * value:.2f}" if pd.notna(value) else "–" for value in values),
                        f"{row['seeds']:.0f}",
                    ]
                )
    head = ["network", "images", "labels", "regularizer", "training", "the paper's", "test"]
    return markdown([*head, "the paper's", "seeds"], rows) + _early(ends)


def fits() -> str:
    """Figure 1a: the epoch of fitting on true and random labels, scrambled pixels and noise."""
    rows = []
    for data, images in TRAIN_IMAGES.items():
        for model in NETWORKS:
            series = series_runs(load_runs(), model, data)
            ids = [run_id for runs in series.values() for run_id in runs.run_id]
            fitted = (
                epochs_to_fit(loss_curves(series, load_epochs(ids), None)).set_index("series").epoch
            )
            for name, runs in series.items() if len(series) > 2 else ():
                never = f"not in {runs.epochs_trained.max():.0f}"
                epoch = f"{fitted[name]}" if name in fitted.index else never
                error = f"{100 * runs.final_test_error.mean():.1f}"
                rows.append([f"`{model}`", f"{images:,}", name, epoch, error, str(len(runs))])
    return markdown(["network", "images", "fed", "fitted", "test error", "seeds"], rows)


def coverage() -> str:
    """The number of stored runs of each grid and network."""
    done, rows = set(load_runs().run_id), []
    for grid in GRIDS.values():
        runs = list(dict.fromkeys(grid.runs()))
        for model in NETWORKS:
            configs = [config for config in runs if config.model == model]
            if configs:
                count = sum(config.run_id in done for config in configs)
                rows.append([f"`{grid.name}`", model, f"{count} of {len(configs)}"])
    return markdown(["grid", "network", "runs"], rows)


def speed() -> str:
    """The training speeds in assets/bench.json, from `python -m tools bench --out`."""
    bench = _read("bench.json")
    head = ["network", "batch", "images/s", "of peak", "3 x forward", "plain", "ratio"]
    rows = [
        [
            f"`{row['model']}`",
            str(row["batch_size"]),
            f"{row['images_per_second']:,.0f}",
            f"{row['share_of_peak']:.0%}",
            f"{row['share_of_peak_3_forward']:.0%}",
            f"{row['plain_images_per_second']:,.0f}",
            f"{row['images_per_second'] / row['plain_images_per_second']:.1f}",
            f"{row['epoch_images_per_second']:,.0f}",
            f"{row['evaluation_share_full']:.1%}",
        ]
        for row in bench["rows"]
    ]
    machine = (
        f"On {bench['device']}, torch {bench['torch']}, {bench['date']}; its matrix products run at "
        f"{bench['peak_flops_per_second'] / 1e9:,.0f} GFLOP/s.\n\n"
    )
    elsewhere = {row["model"]: row["device"] for row in bench["rows"] if "device" in row}
    notes = [f"\n\n`{model}` was measured on {device}." for model, device in elsewhere.items()]
    table = markdown([*head, "with evaluation", "its share of 50,000"], rows)
    return machine + table + "".join(notes) + ("\n" if notes else "")


def load(file: str = "load.json") -> str:
    """The load test in assets/load.json, from `make load`, or load_hall.json, from `make load-hall`."""
    measured = _read(file)
    machine = (
        f"{measured['viewers']} viewers for {measured['seconds']:g} s on {measured['cores']} cores "
        f"({measured['processor']}), {measured['date']}; the server, its trainer and the viewers "
        "together.\n\n"
    )
    rows = [
        [name, f"{value:,.3g}" if value < 100 else f"{value:,.0f}", measured["goals"].get(name, "")]
        for name, value in measured["measured"].items()
    ]
    return machine + markdown(["", "measured", "goal"], rows)


def widths() -> str:
    """The errors of the small network with more and fewer hidden units, on the embedded images."""
    runs, rows = width_runs(load_runs()), []
    for width, of_width in runs.groupby("width"):
        row = [str(width), f"{weights_of(int(str(width))):,}"]
        for level, column in (
            (1.0, "final_train_error"),
            *((level, "final_test_error") for level in DRAWN),
        ):
            errors = of_width[of_width.level == level][column]
            row.append(
                f"{100 * errors.mean():.1f} ({len(errors)})" if len(errors) else "not computed yet"
            )
        rows.append(row)
    tests = [f"test error at {level:.0%}" for level in DRAWN]
    return markdown(["hidden units", "weights", "training error at 100%", *tests], rows)


def first_minute() -> str:
    """The waiting times in assets/first_minute.json, from `make first-minute`."""
    measured = _read("first_minute.json")
    rows = [[name, f"{value:.2f} s"] for name, value in measured["seconds"].items()]
    return _machine(measured) + markdown(["waited for, in Chromium", "median"], rows)


def level_sweep_speed() -> str:
    """The times of the whole curve in assets/curve.json, next to the bare time of its epochs."""
    measured = _read("curve.json")
    rows = [
        [
            f"`{row['model']}`", f"{row['runs']} x {row['epochs']}", f"{row['bare_seconds']:.1f} s",
            f"{row['curve_seconds']:.1f} s", f"{row['curve_seconds'] / row['bare_seconds']:.2f}",
        ]
        for row in measured["rows"]
    ]  # fmt: skip
    head = [
        "network",
        "runs x epochs",
        "bare, one after the other",
        "from press to last point",
        "ratio",
    ]
    return _machine(measured) + markdown(head, rows)


def defence_costs() -> str:
    """The time costs of the defences in assets/defences.json."""
    measured = _read("defences.json")
    rows = [
        [
            f"`{row['model']}`",
            DEFENCES[row["defence"]].words,
            f"{row['epoch_seconds']:.2f} s",
            f"{row['times']:.2f}",
            f"{row['least']:.2f}–{row['most']:.2f}",
        ]
        for row in measured["rows"]
    ]
    head = ["network", "defence", "an epoch", "times as long", "from round to round"]
    return _machine(measured) + markdown(head, rows)


def load_class() -> str:
    """The load test of a class in assets/load_class.json, from `make load-class`."""
    measured = _read("load_class.json")
    rows = [
        [
            name,
            f"{value:,.3g}" if value < 100 else f"{value:,.0f}",
            f"{measured['goals'][name]:g}" if name in measured["goals"] else "",
        ]
        for name, value in measured["measured"].items()
    ]
    return (
        f"{measured['phones']} phones. " + _machine(measured) + markdown(["", "measured", "goal"], rows)
    )


def check_times() -> str:
    """assets/times.json, as `python -m tools times` wrote it."""
    if not (ASSETS / "times.json").exists():
        return "Not measured yet: `python -m tools times` measures both.\n"
    measured = _read("times.json")
    said = " and ".join(
        f"`{name}` {seconds / 60:.1f} minutes" for name, seconds in measured["seconds"].items()
    )
    return f"Measured on {measured['device']}, {measured['date']}: {said}.\n"


def _machine(measured: dict[str, Any]) -> str:
    return f"On {measured['device']}, torch {measured['torch']}, {measured['date']}.\n\n"


TABLES: dict[str, Callable[[], str]] = {
    **{f"paper-{model}": lambda model=model: full_scale(model) for model in NETWORKS},  # type: ignore[misc]
    "mini": mini,
    "exponents": exponents,
    "regularizers": regularizers,
    "fits": fits,
    "stopping": lambda: markdown(*cure_tables.stopping()),
    "noises": lambda: markdown(*cure_tables.noises()),
    "rankings": lambda: markdown(*cure_tables.rankings()),
    "mending": lambda: markdown(*cure_tables.repairing()),
    "defences": lambda: markdown(*cure_tables.defences()) + cure_tables.in_float32(),
    "widths": widths,
    "coverage": coverage,
    "speed": speed,
    "load": load,
    "load-hall": lambda: load("load_hall.json"),
    "load-class": load_class,
    "first-minute": first_minute,
    "curve-speed": level_sweep_speed,
    "defence-costs": defence_costs,
    "times": check_times,
}


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Format a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _early(runs: pd.DataFrame) -> str:
    """A line that lists the runs read early; empty if there are none."""
    early = runs[runs.epochs_after_fitted == EARLY]
    named = [
        f"`{model}` at {named_levels(rows.level.unique())}" for model, rows in early.groupby("model")
    ]
    return f"\nOf 50,000 images {READ_EARLY}: {'; '.join(named)}.\n" if named else ""


def _mean(values: pd.Series, number: str) -> str:
    return format(float(values.mean()), number) if len(values) else "not computed yet"


def _read(name: str) -> dict[str, Any]:
    try:
        return json.loads((ASSETS / name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SweepError(f"assets/{name} is missing: {MAKERS[name]} writes it.") from None
