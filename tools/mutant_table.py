"""The small deliberate faults that `make mutants` tries, by kind.

Their kinds are those of which the fewest were noticed when faults were first tried: what the code
does with stored data, the branches that answer None, races and guards, constants of the literature.
"""

from typing import NamedTuple


class Mutant(NamedTuple):
    name: str
    file: str
    old: str  # occurs exactly once in the file
    new: str
    tests: tuple[str, ...]  # files of which one should notice it, the likeliest first
    reason: str = ""  # why it may live: it changes nothing that anybody could see


CORRUPTION, NOISE = "core/data/corruption.py", "core/data/noise.py"
CHOICES, LOSSES = "core/choices.py", "core/training/losses.py"
DATASET, TRAINING = "core/training/dataset.py", "core/training/training.py"
BOOKS, RECORDS = "core/training/bookkeeping.py", "core/records.py"
RANKING, REPAIR = "core/cleaning/ranking.py", "core/cleaning/repair.py"
STUDIED, IN_STUDIED = "core/cleaning/studied.py", ("tests/cleaning/test_studied.py",)
ANNOTATORS, SCORES = "core/cleaning/annotators.py", "core/cleaning/scores.py"
STORE, TIDY = "core/live/runs/store.py", "core/live/runs/housekeeping.py"
SHARE, CURVE = "core/live/training/fair_share.py", "core/live/classroom/level_sweep.py"
ROOM, LABELLING = "core/live/classroom/classroom.py", "core/live/classroom/annotation.py"

IN_STORED_DATA = ("tests/sweep/test_stored_data.py",)
IN_CORRUPTION = ("tests/data/test_corruption.py",)
IN_NOISE = ("tests/data/test_noise.py", "tests/data/test_people.py")
IN_DATASET = ("tests/training/test_dataset.py", "tests/training/test_cures.py")
IN_LOSSES = ("tests/training/test_losses.py",)
IN_BOOKS = ("tests/training/test_bookkeeping.py",)
IN_RECORDS = ("tests/test_records.py",)
STATISTICS, IN_STATISTICS = "core/sweep/statistics.py", ("tests/sweep/test_statistics.py",)
IN_RANKING = ("tests/cleaning/test_ranking.py",)
IN_CLEANING = ("tests/cleaning/test_annotators.py", "tests/cleaning/test_scores.py")
IN_STORE = ("tests/live/runs/test_store.py",)
IN_TIDY = ("tests/live/runs/test_housekeeping.py",)
IN_SHARE = ("tests/live/training/test_fair_share.py",)
IN_CURVE = ("tests/live/classroom/test_level_sweep.py",)
IN_ROOM = ("tests/live/classroom/test_classroom.py", "tests/live/classroom/test_annotation.py")

# Runs are stored by what they were trained on: another order, other labels or another image under
# a stored prediction make a wrong picture of a right number.
STORED_DATA = (
    Mutant(
        "rightly labelled images are followed first",
        CORRUPTION,
        "return np.concatenate([wrong, right])",
        "return np.concatenate([right, wrong])",
        (*IN_STORED_DATA, *IN_CORRUPTION),
    ),
    Mutant(
        "every seed follows the images of seed 0",
        CORRUPTION,
        "np.random.default_rng([seed, FOLLOWED])",
        "np.random.default_rng([0, FOLLOWED])",
        (*IN_STORED_DATA, *IN_CORRUPTION),
    ),
    Mutant(
        "the first images are followed",
        CORRUPTION,
        "order = rng.permutation(len(is_wrong))",
        "order = np.arange(len(is_wrong))",
        (*IN_STORED_DATA, *IN_CORRUPTION),
    ),
    Mutant(
        "other images are followed where labels are repaired",
        STUDIED,
        "followed = followed_images(given.is_wrong, config.seed)",
        "followed = followed_images(labels != true_labels, config.seed)",
        (*IN_STUDIED, *IN_DATASET),
    ),
    Mutant(
        "seed 2 corrupts the labels as seed 0 does",
        CORRUPTION,
        "np.random.default_rng([seed, LABELS])",
        "np.random.default_rng([seed % 2, LABELS])",
        (*IN_STORED_DATA, *IN_CORRUPTION),
    ),
    Mutant(
        "redrawn labels are counted from the other end",
        CORRUPTION,
        "redrawn = rng.integers(CLASS_COUNT, size=len(true_labels))",
        "redrawn = CLASS_COUNT - 1 - rng.integers(CLASS_COUNT, size=len(true_labels))",
        (*IN_STORED_DATA, *IN_CORRUPTION),
    ),
    Mutant(
        "labels by a matrix are drawn from the other end",
        CORRUPTION,
        "redrawn = (rng.random(len(true_labels))[:, None] >= chances)",
        "redrawn = (1 - rng.random(len(true_labels))[:, None] >= chances)",
        (*IN_STORED_DATA, *IN_NOISE),
    ),
    Mutant(
        "which labels are redrawn is drawn in single precision",
        CORRUPTION,
        "is_redrawn = rng.random(len(true_labels)) < level",
        "is_redrawn = rng.random(len(true_labels), dtype=np.float32) < level",
        (*IN_STORED_DATA, *IN_CORRUPTION),
    ),
    Mutant(
        "another part of the images is evaluated",
        CORRUPTION,
        "np.sort(rng.choice(count, size, replace=False))",
        "np.sort(rng.permutation(count)[:size])",
        (*IN_STORED_DATA, "tests/training/test_evaluation.py"),
    ),
    Mutant(
        "images are held out from the other end",
        CORRUPTION,
        "return np.sort(order[first:last])",
        "return np.sort(order[::-1][first:last])",
        (*IN_STORED_DATA, *IN_NOISE),
    ),
    Mutant(
        "random pixels have another stream",
        CORRUPTION,
        "order = np.random.default_rng([seed, PIXELS, part, index]).permutation(flat.shape[2])",
        "order = np.random.default_rng([seed, PIXELS, index, part]).permutation(flat.shape[2])",
        (*IN_STORED_DATA, *IN_CORRUPTION),
    ),
    Mutant(
        "seeds repeat seed 0's orders an epoch later",
        DATASET,
        "self.config.seed * 100_003 + epoch",
        "self.config.seed + epoch",
        (*IN_DATASET, *IN_STORED_DATA),
    ),
    Mutant(
        "seeds have orders that no stored run had",
        DATASET,
        "self.config.seed * 100_003 + epoch",
        "self.config.seed * 100_019 + epoch",
        (*IN_DATASET, *IN_STORED_DATA),
    ),
    Mutant(
        "mixtures have the same weights in every epoch",
        DATASET,
        "np.random.default_rng([self.config.seed, MIXUP, epoch])",
        "np.random.default_rng([self.config.seed, MIXUP, 0])",
        (*IN_DATASET, *IN_STORED_DATA),
    ),
    Mutant(
        "pixels are corrupted as by seed 0",
        DATASET,
        'return config.corruption, config.seed if config.corruption != "labels" else 0, layout',
        "return config.corruption, 0, layout",
        (*IN_DATASET, *IN_STORED_DATA),
    ),
    Mutant(
        "each chunk of a large set has the pixel orders of the first",
        DATASET,
        "indices=np.arange(start, min(start + CHUNK, len(images))),",
        "indices=np.arange(len(images[start : start + CHUNK])),",
        IN_DATASET,
    ),
    Mutant(
        "test images have the pixel orders of training images",
        DATASET,
        "            part=part,\n",
        "            part=TRAIN,\n",
        IN_DATASET,
    ),
    Mutant(
        "noise for the test set has the test set's statistics",
        DATASET,
        "channel_statistics(data.train_images)",
        "channel_statistics(images)",
        IN_DATASET,
    ),
    Mutant(
        "every seed begins with the weights of another",
        TRAINING,
        "torch.manual_seed(config.seed)",
        "torch.manual_seed(config.seed + 1)",
        (*IN_STORED_DATA, "tests/training/test_steps.py"),
    ),
    Mutant(
        "ranks of equally suspicious images are left to the sorting",
        RANKING,
        'return Ranking(np.argsort(-suspicion, kind="stable"), prediction.astype(np.int64))',
        "return Ranking(np.argsort(-suspicion), prediction.astype(np.int64))",
        IN_RANKING,
    ),
)
# A number where there is none looks like a measurement.
NONE_BRANCHES = (
    Mutant(
        "memorizing by chance is told of every noise",
        STATISTICS,
        'if recovered is None or config.repair != "none" or not has_uniform_wrong_labels(config):',
        'if recovered is None or config.repair != "none":',
        IN_STATISTICS,
    ),
    Mutant(
        "memorizing by chance is told where no label is wrong",
        STATISTICS,
        "if recovered is None or config.repair",
        "recovered = recovered or 0\n    if config.repair",
        IN_STATISTICS,
    ),
    Mutant(
        "some of the folds suffice for a ranking",
        RANKING,
        "if len(known) == len(scores) else None",
        "if known else None",
        IN_RANKING,
    ),
    Mutant(
        "a ranking is scored where every label is wrong",
        RANKING,
        "if not wrong or not right:",
        "if not wrong:",
        IN_RANKING,
    ),
    Mutant(
        "without an answer the class disagrees with the data set",
        ANNOTATORS,
        "return float(np.trace(counts) / total) if total else None",
        "return float(np.trace(counts) / total) if total else 0.0",
        IN_CLEANING,
    ),
    Mutant(
        "without two answers to a photograph the class disagrees with itself",
        ANNOTATORS,
        "return sum(pairs) / len(pairs) if pairs else None",
        "return sum(pairs) / len(pairs) if pairs else 0.0",
        IN_CLEANING,
    ),
    Mutant(
        "a run that is not fitted ends as if it were",
        RECORDS,
        "return fitted is not None and epochs >= fitted + config.epochs_after_fitted",
        "return epochs >= (fitted or 0) + config.epochs_after_fitted",
        IN_RECORDS,
    ),
    Mutant(
        "of a small training set less than all is said to be evaluated",
        BOOKS,
        "evaluated_on=None if part is None else len(part),",
        "evaluated_on=len(chosen),",
        IN_BOOKS,
    ),
    Mutant(
        "places are given out after the end",
        CURVE,
        "        if not is_open:\n            return None, None, 0",
        "        if config is None:\n            return None, None, 0",
        IN_CURVE,
    ),
)
# What a click, a second server or a full disk does at the wrong moment.
GUARDS = (
    Mutant(
        "a run that was resumed meanwhile is forgotten",
        STORE,
        'f"DELETE FROM runs WHERE run_id = ? AND status NOT IN ({_marks(ACTIVE)})"',
        'f"DELETE FROM runs WHERE run_id = ? AND (1 OR status NOT IN ({_marks(ACTIVE)}))"',
        (*IN_STORE, *IN_TIDY),
    ),
    Mutant(
        "a visit does not keep a run",
        STORE,
        '"WHERE visits.run_id = runs.run_id), 0)) AS last FROM runs "',
        '"WHERE visits.run_id = runs.run_id AND 0), 0)) AS last FROM runs "',
        (*IN_STORE, *IN_TIDY),
    ),
    Mutant(
        "only the first look at a run keeps it",
        STORE,
        '"SELECT 1 FROM runs WHERE run_id = ? AND seen < ?"',
        '"SELECT 1 FROM runs WHERE run_id = ? AND seen = 0 AND seen < ?"',
        (*IN_STORE, *IN_TIDY),
    ),
    Mutant(
        "an epoch that is reported again takes later ones back",
        STORE,
        "epochs_done = MAX(epochs_done, ?)",
        "epochs_done = ?",
        IN_STORE,
    ),
    Mutant(
        "a cancelled run is paused by the epoch that was in flight",
        STORE,
        "\"WHEN status IN ('queued', 'running') AND pause_after <= ? THEN 'paused' \"",
        "\"WHEN pause_after <= ? THEN 'paused' \"",
        IN_STORE,
    ),
    Mutant(
        "a run submitted again still pauses after one epoch",
        STORE,
        "SET status = excluded.status, pause_after = NULL, ",
        "SET status = excluded.status, ",
        IN_STORE,
    ),
    Mutant(
        "a paused run of somebody who has left stays theirs",
        STORE,
        'self._change(run_id, "owner = ?", UNENDED, visitor, by=TRAINER)',
        'self._change(run_id, "owner = ?", ACTIVE, visitor, by=TRAINER)',
        IN_STORE,
    ),
    Mutant(
        "who looked just now is forgotten and who looked long ago is not",
        STORE,
        '"DELETE FROM looks WHERE looked < ?"',
        '"DELETE FROM looks WHERE looked > ?"',
        IN_STORE,
    ),
    Mutant(
        "the trainer hears that every run has ended in time",
        STORE,
        "return changed.rowcount == 1",
        "return True",
        (*IN_STORE, "tests/live/training/test_trainer.py"),
    ),
    Mutant(
        "beyond the disk's bound paused runs are forgotten",
        TIDY,
        "if store.has_ended(run_id):",
        "if True:",
        IN_TIDY,
    ),
    Mutant(
        "scores of known runs are taken for orphans",
        TIDY,
        "known = {path for run_id in store.run_ids() for path in files_of(folder, run_id)}",
        "known = {checkpoint(folder, run_id) for run_id in store.run_ids()}",
        IN_TIDY,
    ),
    Mutant(
        "scores of a forgotten run stay",
        TIDY,
        "            _delete(scores_file(folder, run_id))\n",
        "",
        IN_TIDY,
    ),
    Mutant(
        "a file deleted meanwhile stops the tidying",
        TIDY,
        "        except OSError:  # finished and deleted meanwhile\n            continue",
        "        except PermissionError:\n            continue",
        IN_TIDY,
    ),
    Mutant(
        "who has a run in flight comes first where they have had less",
        SHARE,
        "key=lambda name: (now[name], self.used[name])",
        "key=lambda name: (self.used[name], now[name])",
        IN_SHARE,
    ),
    Mutant(
        "an epoch that has begun waits for one that has not",
        SHARE,
        "(run.run_id not in begun, turns.get(run.run_id, -1))",
        "(turns.get(run.run_id, -1),)",
        IN_SHARE,
    ),
    Mutant(
        "who is level with the least is not raised to it",
        SHARE,
        "max(self.used.get(owner, least), least)",
        "self.used.get(owner, least)",
        IN_SHARE,
        "the least is taken over these very owners: none of them has had less",
    ),
    Mutant(
        "of paused places the last is taken",
        CURVE,
        "return paused[0] if paused else new",
        "return paused[-1] if paused else new",
        IN_CURVE,
    ),
    Mutant(
        "a room has one place too many",
        CURVE,
        "if place >= MAX_PLACES:",
        "if place > MAX_PLACES:",
        IN_CURVE,
    ),
    Mutant(
        "who has finished several runs is shown the first",
        CURVE,
        '(unfinished or own)[-1]["run_id"]',
        '(unfinished or own)[0]["run_id"]',
        IN_CURVE,
    ),
    Mutant(
        "of two who come at once both have the same place",
        CURVE,
        '            connection.execute("BEGIN IMMEDIATE")  # two visitors at once get different places\n',
        "",
        IN_CURVE,
    ),
    Mutant(
        "an opened teacher's page never closes",
        ROOM,
        '"SELECT 1 FROM teachers WHERE visitor = ? AND until > ?"',
        '"SELECT 1 FROM teachers WHERE visitor = ? AND until > 0 * ?"',
        IN_ROOM,
    ),
    Mutant(
        "the last answer to a photograph counts",
        LABELLING,
        '"INSERT OR IGNORE INTO annotations VALUES (?, ?, ?, ?, ?)"',
        '"INSERT OR REPLACE INTO annotations VALUES (?, ?, ?, ?, ?)"',
        IN_ROOM,
    ),
    Mutant(
        "the last stop of a replay counts",
        ROOM,
        '"INSERT OR IGNORE INTO stops (room, visitor, run_id, epoch) VALUES (?, ?, ?, ?)"',
        '"INSERT OR REPLACE INTO stops (room, visitor, run_id, epoch) VALUES (?, ?, ?, ?)"',
        IN_ROOM,
    ),
)
# What is cited, and numbers that a mean or a rounding hides.
CONSTANTS = (
    Mutant("deer become frogs", NOISE, "4: 7", "4: 6", IN_NOISE),
    Mutant("birds become deer", NOISE, "2: 0", "2: 4", IN_NOISE),
    Mutant("dogs become deer", NOISE, "5: 3", "5: 4", IN_NOISE),
    Mutant(
        "labels by one person are those by majority",
        CHOICES,
        'human_column="random_label1"',
        'human_column="aggre_label"',
        IN_NOISE,
    ),
    Mutant(
        "generalized cross-entropy is nearer to the absolute error",
        LOSSES,
        "GENERALIZED_Q = 0.7",
        "GENERALIZED_Q = 0.8",
        IN_LOSSES,
    ),
    Mutant(
        "early learning pulls less",
        LOSSES,
        "TARGET_MOMENTUM, PULL = 0.7, 3.0",
        "TARGET_MOMENTUM, PULL = 0.7, 2.0",
        IN_LOSSES,
    ),
    Mutant(
        "the speed counts images that are held out",
        BOOKS,
        "images_per_second=len(self.trained) / time.training_seconds",
        "images_per_second=len(self.given_labels) / time.training_seconds",
        IN_BOOKS,
    ),
    Mutant(
        "random crops never reach the last row and column",
        DATASET,
        "span = self.uncropped.shape[-1] - IMAGE_SIZE + 1",
        "span = self.uncropped.shape[-1] - IMAGE_SIZE",
        IN_DATASET,
    ),
    Mutant(
        "a short run is ranked by longer ones",
        RANKING,
        "epochs=min(config.epochs, most)",
        "epochs=most",
        IN_RANKING,
    ),
    Mutant(
        "the runs that rank go on until they are fitted",
        RANKING,
        "epochs=min(config.epochs, most), epochs_after_fitted=0)",
        "epochs=min(config.epochs, most))",
        IN_RANKING,
    ),
    Mutant(
        "one image fewer is repaired where the share is rounded",
        REPAIR,
        "round(config.repaired * len(labels))",
        "int(config.repaired * len(labels))",
        IN_RANKING,
    ),
    Mutant(
        "a loss on an edge is counted below it",
        RECORDS,
        'side="right"',
        'side="left"',
        IN_RECORDS,
    ),
    Mutant(
        "the loss so far is the mean of what is heard of it",
        RECORDS,
        "total_loss = (self.running_loss or 0.0) * self.images + loss * images",
        "total_loss = ((self.running_loss or loss) + loss) / 2 * (self.images + images)",
        IN_RECORDS,
    ),
    Mutant(
        "of epochs with the same held-out error the last is the best",
        SCORES,
        "held_out_error >= self.best_error",
        "held_out_error > self.best_error",
        IN_CLEANING,
    ),
    Mutant(
        "a label is redrawn also where the draw is the level itself",
        CORRUPTION,
        "is_redrawn = rng.random(len(true_labels)) < level",
        "is_redrawn = rng.random(len(true_labels)) <= level",
        IN_CORRUPTION,
        "a draw of 53 bits is the level itself once in 10^15 labels",
    ),
)
# What a referee found: studied and unstudied images in one list, rules taken for memory, seeds counted
# as levels, and the rules added since.
STATEMENTS = (
    Mutant(
        "images that were held out are ranked with those that were trained on",
        RANKING,
        "suspicion = quantiles_within(run.best_loss, is_held_out)",
        "suspicion = run.best_loss",
        IN_RANKING,
    ),
    Mutant(
        "both halves of forgetting are read from the first run",
        RANKING,
        "np.where(is_second, getattr(second, name), getattr(first, name))",
        "getattr(first, name)",
        IN_RANKING,
    ),
    Mutant(
        "the margin after the switch is that of all epochs",
        SCORES,
        "/ (epochs - since)",
        "/ epochs",
        IN_CLEANING,
    ),
    Mutant(
        "after the switch the same half is trained on",
        DATASET,
        "self._held_out if self.config.has_switched(epoch) else self._trained",
        "self._trained",
        IN_DATASET,
    ),
    Mutant(
        "the half is switched one epoch late",
        "core/config.py",
        "return 0 < self.switch_after < epoch",
        "return 0 < self.switch_after < epoch - 1",
        IN_DATASET,
    ),
    Mutant(
        "without memorizing a network names every image correctly, whatever the rule",
        NOISE,
        "return float(1 - largest.mean())",
        "return wrong_share(config)",
        IN_NOISE,
    ),
    Mutant(
        "a usual wrong label is named among several",
        NOISE,
        "return np.where(is_unique, others.argmax(axis=1), -1)",
        "return others.argmax(axis=1)",
        IN_NOISE,
    ),
    Mutant(
        "a repaired run repeats by chance as any other",
        STATISTICS,
        'config.repair != "none" or not has',
        "not has",
        ("tests/view/test_every_caption.py",),
    ),
    Mutant(
        "the share of wrong labels is of all images, dropped ones included",
        STUDIED,
        "self.is_wrong[self.is_trained].mean()",
        "self.is_wrong.mean()",
        IN_STUDIED,
    ),
    Mutant(
        "every run of a seed counts as independent",
        STATISTICS,
        "means = gains.groupby(seeds.to_numpy()).mean()",
        "means = gains",
        IN_STATISTICS,
    ),
    Mutant(
        "Label Wave stops one epoch late",
        "core/sweep/stopping.py",
        "int(rises.argmax()) + 3",
        "int(rises.argmax()) + 4",
        ("tests/sweep/test_stopping.py",),
    ),
    Mutant(
        "leaving an image out takes its whole target away",
        "core/capacity/kernel.py",
        "change = inverse @ targets / inverse.diagonal()[:, None]",
        "change = targets",
        ("tests/capacity/test_kernel.py",),
    ),
    Mutant(
        "verify holds a run of another number of threads to the bit",
        "core/sweep/verify.py",
        'return run["device_type"], threads, processor',
        'return run["device_type"], 0, processor',
        ("tests/sweep/test_verify.py",),
        "verify sets the number of threads of the stored run first",
    ),
)
MUTANTS = (*STORED_DATA, *STATEMENTS, *NONE_BRANCHES, *GUARDS, *CONSTANTS)
