"""Token rows for train_artefact.py: reading, splitting and batching without any state."""

import functools
import json

import numpy as np
import torch


class Row:
    """ids of one row; targets from index `first` on count for the loss."""

    def __init__(self, ids, first):
        self.ids, self.first = ids, first


def parse(line, vocab, where):
    """A line is {"prompt_ids": [..], "completion_ids": [..]} or {"text_ids": [..]}."""
    try:
        row = json.loads(line)
        if "text_ids" in row:
            ids, first = row["text_ids"], 1
        else:
            ids = row["prompt_ids"] + row["completion_ids"]
            first = max(1, len(row["prompt_ids"]))
    except (ValueError, KeyError, TypeError) as e:
        raise SystemExit(f"{where}: expected prompt_ids and completion_ids, or text_ids ({e})")
    if not all(isinstance(i, int) and 0 <= i < vocab for i in ids):
        raise SystemExit(f"{where}: a token id is not in 0..{vocab - 1}; use the model's own tokenizer")
    return Row(ids, first)


def read(path, vocab, max_tokens):
    """All rows with something to predict, cut after max_tokens."""
    rows, cut, empty = [], 0, 0
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            if not line.strip():
                continue
            row = parse(line, vocab, f"{path}:{number}")
            cut += len(row.ids) > max_tokens
            row.ids = row.ids[:max_tokens]
            if len(row.ids) > row.first:
                rows.append(row)
            else:
                empty += 1
    print(f"{len(rows)} rows; cut after {max_tokens} tokens: {cut}; left out, nothing to predict: {empty}")
    return rows


class Batch:
    """Rows padded at the end, on a device.

    ids [B, T]; real [B, T] marks tokens that are not padding; predicts [B, T] marks those whose next
    token counts, and targets [N] are these next tokens, in row-major order.
    """

    def __init__(self, rows, device):
        width = max(len(r.ids) for r in rows)
        ids = torch.zeros(len(rows), width, dtype=torch.long)
        real, predicts = (torch.zeros(len(rows), width, dtype=torch.bool) for _ in range(2))
        for i, row in enumerate(rows):
            ids[i, : len(row.ids)] = torch.tensor(row.ids)
            real[i, : len(row.ids)] = True
            predicts[i, row.first - 1 : len(row.ids) - 1] = True
        following = torch.cat([ids[:, 1:], ids[:, :1]], 1)
        self.ids, self.real, self.predicts = (a.to(device) for a in (ids, real, predicts))
        self.targets = following[predicts].to(device)


class Rows:
    """Rows split into training, calibration and test; a batch depends on its number alone."""

    def __init__(self, rows, held_out, size, seed, device):
        order = np.random.default_rng(seed).permutation(len(rows))
        held = min(held_out, len(rows) // 2)
        if held < 2:
            raise SystemExit(f"{len(rows)} rows are too few; expected at least 4")
        self.calibration = [rows[i] for i in order[: held // 2]]
        self.test = [rows[i] for i in order[held // 2 : held]]
        self.train = [rows[i] for i in order[held:]]
        self.size, self.seed, self.device = size, seed, device

    @functools.lru_cache(maxsize=2)
    def order(self, epoch):
        return np.random.default_rng([self.seed, 1 + epoch]).permutation(len(self.train))

    def batch(self, number):
        """Training batch `number`, shuffled anew in each epoch."""
        picks = [divmod(number * self.size + i, len(self.train)) for i in range(self.size)]
        return Batch([self.train[self.order(epoch)[at]] for epoch, at in picks], self.device)

    def batches(self, rows):
        """Held-out rows in batches of similar lengths."""
        rows = sorted(rows, key=lambda r: len(r.ids))
        for at in range(0, len(rows), self.size):
            yield Batch(rows[at : at + self.size], self.device)
