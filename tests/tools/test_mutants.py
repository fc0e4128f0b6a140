"""The list of deliberate faults fits the code of today; that tests notice them is for make mutants."""

from collections import Counter

import pytest

from core.paths import ROOT
from tools import mutants
from tools.mutant_table import MUTANTS, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_fits_its_file_once_and_its_tests_are_there(mutant):
    text = (ROOT / mutant.file).read_text(encoding="utf-8")
    changed = mutants.faulty(mutant, text)
    assert changed != text
    compile(changed, mutant.file, "exec")  # a fault of meaning: one of syntax every test notices
    assert mutant.tests and all((ROOT / name).is_file() for name in mutant.tests)


def test_no_two_mutants_have_the_same_name():
    names = Counter(mutant.name for mutant in MUTANTS)
    assert names.most_common(1)[0][1] == 1 and len(names) >= 45


def test_a_text_that_occurs_twice_or_never_is_refused():
    for old, count in (("a", 2), ("c", 0)):
        with pytest.raises(ValueError, match=f"occurs {count} times"):
            mutants.faulty(Mutant("twice", "x.py", old, "b", ()), "a b a")


@pytest.mark.parametrize(
    ("reason", "living", "status", "says"),
    [
        ("", False, 0, "1 of 1 killed"),
        ("", True, 1, "alive: one (core/x.py): no test notices it"),
        ("nobody can see it", True, 0, "alive: one (core/x.py): nobody can see it"),
    ],
)
def test_only_who_lives_without_a_reason_is_a_failure(
    monkeypatch, capsys, reason, living, status, says
):
    monkeypatch.setattr(mutants, "MUTANTS", (Mutant("one", "core/x.py", "a", "b", ("t.py",), reason),))
    monkeypatch.setattr(mutants, "copy_project", lambda folder: None)
    monkeypatch.setattr(mutants, "is_noticed", lambda folder, tests: False)  # sound without a fault
    monkeypatch.setattr(mutants, "survives", lambda folder, mutant: living)
    assert mutants.main([]) == status and says in capsys.readouterr().out
    assert mutants.main(["another"]) == 2 and "no mutant 'another'" in capsys.readouterr().err


def test_the_fault_is_taken_out_again(tmp_path, monkeypatch):
    (tmp_path / "x.py").write_text("a b")
    seen = []
    monkeypatch.setattr(
        mutants, "is_noticed", lambda folder, tests: seen.append((folder / "x.py").read_text())
    )
    assert mutants.survives(tmp_path, Mutant("one", "x.py", "a", "c", ("t.py",)))
    assert seen == ["c b"] and (tmp_path / "x.py").read_text() == "a b"


@pytest.mark.slow
def test_a_mutant_is_tried_in_a_copy_of_the_project(capsys):
    path = ROOT / "core/live/training/fair_share.py"
    before = path.read_text(encoding="utf-8")
    assert mutants.main(["an epoch that has begun waits for one that has not"]) == 0
    assert "1 of 1 killed" in capsys.readouterr().out
    assert path.read_text(encoding="utf-8") == before
