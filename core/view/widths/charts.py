"""Charts of the small network's errors against its number of weights."""

import altair as alt
import pandas as pd

from core.view.style import COLOURS, GREY, share_axis

LEVEL_COLOURS = {
    "true labels": "#0072B2",
    "10% random labels": "#946600",
    "20% random labels": "#C25400",
}


def _weights_axis() -> alt.X:
    return alt.X(
        "weights:Q",
        title="Weights and biases of the network",
        scale=alt.Scale(type="log", nice=False),
        axis=alt.Axis(format="~s", tickCount=6),
    )


def _tooltip() -> list[alt.Tooltip | str]:
    return [
        alt.Tooltip("width:Q", title="hidden units"),
        alt.Tooltip("weights:Q", format=",", title="weights"),
        alt.Tooltip("level:Q", format=".0%", title="corruption level"),
        alt.Tooltip("error:Q", format=".1%"),
        "seeds:Q",
    ]


def fits_random_labels(means: pd.DataFrame, enough: int, height: int | str = 420) -> alt.LayerChart:
    """Return the chart of training error on random labels against the number of weights.

    means: widths.width_means at level 1; enough: the number of weights of theorem 1.
    """
    base = alt.Chart(means).encode(
        x=_weights_axis(),
        y=share_axis("Training error on random labels", "error"),
        color=alt.value(COLOURS["training error"]),
        tooltip=_tooltip(),
    )
    rule = alt.Chart(pd.DataFrame({"weights": [enough], "name": [f"2n + d = {enough:,}"]})).encode(
        x="weights:Q"
    )
    return alt.LayerChart(
        layer=[
            base.mark_area(opacity=0.2).encode(y="low:Q", y2="high:Q"),
            base.mark_line(strokeWidth=3),
            base.mark_point(size=70, filled=True, opacity=1),
            rule.mark_rule(strokeDash=[6, 4], strokeWidth=2, color=GREY),
            rule.mark_text(align="left", dx=8, y=16, fontSize=13, fontWeight="bold", color=GREY).encode(
                text="name:N"
            ),
        ]
    ).properties(height=height)


def errors_against_weights(means: pd.DataFrame, height: int | str = 420) -> alt.LayerChart:
    """Return the chart of test error against weights, a line per level; means: widths.width_means."""
    names = dict(zip((0.0, 0.1, 0.2), LEVEL_COLOURS, strict=True))
    rows = means[means.level.isin(list(names))].assign(name=lambda table: table.level.map(names))
    scale = alt.Scale(domain=[0.5, 0.9], clamp=True, zero=False)
    base = alt.Chart(rows).encode(
        x=_weights_axis(),
        y=alt.Y(
            "error:Q",
            title="Test error",
            scale=scale,
            axis=alt.Axis(format="~%"),
        ),
        color=alt.Color(
            "name:N",
            scale=alt.Scale(domain=list(LEVEL_COLOURS), range=list(LEVEL_COLOURS.values())),
            legend=alt.Legend(
                title=None, orient="top", symbolType="stroke", symbolStrokeWidth=4, symbolOpacity=1,
                columns=alt.ExprRef("width < 420 ? 1 : 3"), labelLimit=420,
            ),
        ),
        tooltip=_tooltip(),
    )  # fmt: skip
    return alt.LayerChart(
        layer=[
            base.mark_area(opacity=0.2, clip=True).encode(y=alt.Y("low:Q", scale=scale), y2="high:Q"),
            base.mark_line(strokeWidth=2.5),
            base.mark_point(size=60, filled=True, opacity=1),
        ]
    ).properties(height=height)
