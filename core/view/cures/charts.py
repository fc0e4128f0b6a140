"""Charts of what helps against wrong labels: early stopping, stops of a room, defences."""

import math
from collections.abc import Collection

import altair as alt
import pandas as pd

from core.choices import DEFENCES, words_of
from core.sweep.stopping import STOPPING
from core.view.style import COLOURS, GREY, level_axis, share_axis

STOPPING_COLOURS = {
    "end": COLOURS["test error"],
    "held_out": COLOURS["training error"],
    "label_wave": COLOURS["predicted as the true class"],
    "best": GREY,
}


def _legend() -> alt.Legend:
    return alt.Legend(
        title=None,
        orient="top",
        columns=alt.ExprRef("width < 420 ? 1 : 3"),
        labelLimit=420,
        symbolType="stroke",
        symbolStrokeWidth=4,
        symbolOpacity=1,
    )


def stopping(means: pd.DataFrame, height: int | str = 420) -> alt.LayerChart:
    """Return the chart of test errors at the end, at the early stops and at their best.

    means: stopping.stopping_means.
    """
    rows = means.assign(when=means.kind.map(STOPPING))
    known = [kind for kind in STOPPING if kind in set(means.kind)]
    base = alt.Chart(rows).encode(
        x=level_axis(),
        y=share_axis("Test error", "error"),
        color=alt.Color(
            "when:N",
            scale=alt.Scale(
                domain=[STOPPING[kind] for kind in known],
                range=[STOPPING_COLOURS[kind] for kind in known],
            ),
            legend=_legend(),
        ),
        tooltip=[
            alt.Tooltip("when:N", title="read"),
            alt.Tooltip("level:Q", format=".0%", title="corruption level"),
            alt.Tooltip("error:Q", format=".1%", title="test error"),
            "seeds:Q",
        ],
    )
    is_best = "datum.kind === 'best'"
    return alt.LayerChart(
        layer=[
            base.mark_area(opacity=0.2).encode(y="low:Q", y2="high:Q"),
            base.transform_filter(f"!({is_best})").mark_line(strokeWidth=3),
            base.transform_filter(is_best).mark_line(strokeWidth=2, strokeDash=[5, 4]),
            base.mark_point(size=60, filled=True, opacity=1),
        ]
    ).properties(height=height)


STOPS_WIDTH = 2  # epochs per bar, because a class is small


def stops(epochs: list[int], last: int, best: int, height: int | str = 220) -> alt.LayerChart:
    """Return the histogram of a room's stops; best: the epoch with the lowest test error."""
    first = pd.Series(epochs, dtype="int64").sub(1).floordiv(STOPS_WIDTH).mul(STOPS_WIDTH).add(1)
    counts = first.value_counts().rename_axis("first").reset_index(name="visitors")
    until = counts["first"] + STOPS_WIDTH
    counts = counts.assign(
        left=counts["first"] - 0.4,
        right=until - 0.6,
        when="epochs " + counts["first"].astype(str) + " and " + (until - 1).astype(str),
    )
    bars = (
        alt.Chart(counts)
        .mark_bar(color=COLOURS["training error"])
        .encode(
            x=alt.X(
                "left:Q",
                title="Stopped after epoch (two to a bar)",
                scale=alt.Scale(domain=[0, last + 1], nice=False),
                axis=alt.Axis(values=list(range(0, last + 1, 10)), grid=False),
            ),
            x2="right:Q",
            y=alt.Y("visitors:Q", title="Visitors", axis=alt.Axis(tickMinStep=1, format="d")),
            y2=alt.datum(0),
            tooltip=[alt.Tooltip("when:N", title="stopped after"), "visitors:Q"],
        )
    )
    rule = (
        alt.Chart(pd.DataFrame({"best": [best]}))
        .mark_rule(strokeDash=[5, 4], strokeWidth=3, color=COLOURS["test error"])
        .encode(x="best:Q")
    )
    return alt.LayerChart(layer=[bars, rule]).properties(height=height)


def defences(
    table: pd.DataFrame, which: str, title: str, height: int | str = 420, has_legend: bool = True
) -> alt.LayerChart:
    """Return the chart with one line per defence against the level; which: a column of defence_points.

    The axis covers only the tenths around the values, because the lines are close to each other.
    """
    known_values = table.dropna(subset=[which])
    means = known_values.groupby(["defence", "level"]).agg(
        value=(which, "mean"), seeds=("seed", "nunique")
    )
    # A missing level gets a row without a value, so that the line breaks there.
    means = means.unstack("level").stack("level", future_stack=True).reset_index()
    means["name"] = means.defence.map(words_of(DEFENCES))
    known = [name for name in DEFENCES if name in set(means.defence)]
    high = max(0.1, math.ceil(10 * means.value.max()) / 10)
    low = min(high - 0.1, math.floor(10 * means.value.min()) / 10)  # also if all values are 100%
    base = alt.Chart(means).encode(
        x=level_axis(),
        y=alt.Y(
            "value:Q",
            title=title,
            scale=alt.Scale(domain=[low, high], zero=False),
            axis=alt.Axis(format="~%"),
        ),
        color=alt.Color(
            "name:N",
            scale=alt.Scale(
                domain=[DEFENCES[name].words for name in known],
                range=[DEFENCES[name].colour for name in known],
            ),
            legend=_legend() if has_legend else None,
        ),
        tooltip=[
            alt.Tooltip("name:N", title="defence"),
            alt.Tooltip("level:Q", format=".0%", title="corruption level"),
            alt.Tooltip("value:Q", format=".1%", title=title.lower()),
            "seeds:Q",
        ],
    )
    plain = "datum.defence === 'none'"
    return alt.LayerChart(
        layer=[
            base.transform_filter(plain).mark_line(strokeWidth=4, strokeDash=[2, 2]),
            base.transform_filter(f"!({plain})").mark_line(strokeWidth=2.5),
            base.mark_point(size=60, filled=True, opacity=1),
        ]
    ).properties(height=height)


def defence_legend(known: Collection[str]) -> str:
    """Return the legend of several charts of these defences, as HTML that wraps anywhere."""
    names = [
        f'<span><i style="background: {defence.colour}"></i>{defence.words}</span>'
        for name, defence in DEFENCES.items()
        if name in known
    ]
    return f'<div class="legend">{"".join(names)}</div>'
