import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.choices import NETWORKS
from core.config import PRESETS, RunConfig, run_name
from core.errors import ConfigError


@pytest.mark.parametrize(
    "wrong",
    [
        {"level": 1.01},
        {"level": -0.1},
        {"level": math.nan},
        {"level": "half"},
        {"epochs": 0},
        {"epochs": 2.5},
        {"epochs": True},
        {"batch_size": 0},
        {"learning_rate": 0},
        {"learning_rate": math.inf},
        {"seed": -1},
        {"model": "resnet"},
        {"data": "imagenet"},
        {"corruption": "pixels"},
        {"random_crop": "False"},
        {"weight_decay": -1},
        {"corruption": "gaussian", "level": 0.5},
        {"corruption": "gaussian", "random_crop": True},
    ],
)
def test_wrong_values_are_refused_in_one_sentence(wrong):
    with pytest.raises(ValueError) as refusal:
        RunConfig(**wrong)
    assert str(refusal.value).endswith(".") and "\n" not in str(refusal.value)


@pytest.mark.parametrize("model", NETWORKS)
def test_learning_rate_is_the_papers_where_none_is_given(model):
    assert RunConfig(model=model).learning_rate == NETWORKS[model].learning_rate


def test_paper_learning_rates():
    rates = {name: network.learning_rate for name, network in NETWORKS.items()}
    assert rates["inception"] == rates["inception-no-bn"] == 0.1
    assert rates["alexnet"] == rates["mlp-1x512"] == rates["mlp-3x512"] == 0.01


def test_run_id_is_this_for_ever():
    # Stored results carry these names: a change here orphans them.
    assert RunConfig().run_id == "44136fa355b3"
    paper = RunConfig(data="full", level=0.0, batch_size=128, epochs=200)
    assert paper.run_id == "bb912f5a44be"


def test_every_field_is_part_of_the_name():
    other = {
        "model": "alexnet", "data": "full", "corruption": "gaussian", "level": 0.5,
        "batch_size": 65, "epochs": 61, "epochs_after_fitted": 5, "learning_rate": 0.02, "learning_rate_decay": 0.9,
        "momentum": 0.8, "weight_decay": 0.1, "random_crop": True, "seed": 1,
        "noise": "pair", "noise_matrix": "1 0 0 0 0 0 0 0 0 0;" * 10, "validation": 0.1, "fold": 1,
        "loss": "generalized", "mixup": 1.0, "repair": "drop", "repaired": 0.2, "ranking": "margin",
            "width": 64, "max_epochs": 100, "switch_after": 30,
    }  # fmt: skip
    company = {  # without which a setting has no effect, or is refused
        "noise": {"level": 0.5}, "noise_matrix": {"level": 0.5, "noise": "own"},
        "fold": {"validation": 0.25}, "repair": {"repaired": 0.3}, "repaired": {"repair": "relabel"},
        "ranking": {"repair": "drop", "repaired": 0.3}, "max_epochs": {"epochs_after_fitted": 5}, "switch_after": {"validation": 0.5},
    }  # fmt: skip
    assert set(other) == {spec.name for spec in dataclasses.fields(RunConfig)}
    names = {
        RunConfig(**{**company.get(name, {}), name: value}).run_id for name, value in other.items()
    }
    assert len(names | {RunConfig().run_id}) == len(other) + 1


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"fold": 1}, "fold needs a validation share"),
        ({"switch_after": 5}, "switch after needs a validation share of 0.5"),
        ({"switch_after": 60, "validation": 0.5}, "must be smaller than epochs"),
        (
            {"switch_after": 5, "validation": 0.5, "epochs_after_fitted": 3},
            "epochs after fitted must be 0",
        ),
        ({"fold": 4, "validation": 0.25}, "has no such part"),
        ({"repair": "drop"}, "repair and repaired belong together"),
        ({"repaired": 0.1}, "repair and repaired belong together"),
        ({"noise": "mean"}, "must be one of uniform"),
        ({"noise_matrix": 3, "noise": "own", "level": 0.5}, "must be a text"),
        ({"validation": 0.6}, "from 0 to 0.5"),
        ({"learning_rate": 12}, "^learning rate is 12, but must be a number from 1e-06 to 10"),
        ({"random_crop": True, "corruption": "gaussian"}, "^random crop moves pixels"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings, sentence):
    with pytest.raises(ConfigError, match=sentence):
        RunConfig(**settings)


def test_the_last_of_ten_folds_is_one():
    assert RunConfig(validation=0.1, fold=9).fold == 9  # 10 x 0.1 is not 1 in floating point


@given(
    level=st.floats(0, 1),
    epochs=st.integers(1, 1000),
    model=st.sampled_from(sorted(NETWORKS)),
    crop=st.booleans(),
)
def test_settings_give_the_config_back_also_as_text(level, epochs, model, crop):
    config = RunConfig(model=model, level=level, epochs=epochs, random_crop=crop)
    assert RunConfig(**config.overrides()) == config
    texts = {name: str(value) for name, value in config.overrides().items()}
    assert RunConfig.from_strings(texts) == config


def test_text_false_is_false():
    assert RunConfig.from_strings({"random_crop": "False"}).random_crop is False
    assert RunConfig.from_strings({"random_crop": "true"}).random_crop is True


@pytest.mark.parametrize(
    "texts",
    [{"epochs": "ten"}, {"epochs": "1.5"}, {"random_crop": "yes"}, {"colour": "red"}, {"level": "nan"}],
)
def test_text_that_is_no_value_is_refused(texts):
    with pytest.raises(ValueError):
        RunConfig.from_strings(texts)


def test_presets_have_names_of_their_own():
    assert len({preset.key for preset in PRESETS}) == len(PRESETS)
    assert PRESETS[0].config == RunConfig(model="mlp-1x512", level=0.2, batch_size=128, epochs=40)


def test_names_tell_runs_apart():
    configs = [
        RunConfig(level=0.5, epochs=40),
        RunConfig(level=0.5, seed=1),
        RunConfig(level=0.4),
        RunConfig(corruption="gaussian"),
    ]
    assert len({run_name(config) for config in configs}) == 4
    assert "seed 1" in run_name(configs[1])
    assert run_name(RunConfig(random_crop=True, weight_decay=0.1)).endswith(
        "weight decay 0.1, random crop"
    )


def test_labels_are_repaired_where_all_of_them_are_ranked():
    with pytest.raises(ConfigError, match="embedded images"):
        RunConfig(level=0.4, repair="drop", repaired=0.36, data="full")


def test_the_name_of_a_run_leaves_a_matrix_out():
    rows = ";".join(" ".join("1" if i == j else "0" for j in range(10)) for i in range(10))
    name = run_name(RunConfig(level=0.5, noise="own", noise_matrix=rows))
    assert "noise own" in name and len(name) < 100
