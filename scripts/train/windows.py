"""Cuts training mails into several body windows and scores each one with a linear teacher.

The shown body is 320 bytes; the same mail has up to seven more windows further down, and its label
and topic hold for all of them. A mail and its thread are scored by a logistic regression over word
and character n-grams that was fitted on other threads (five folds), so that a window which does not
tell gets a probability near one half and the model is not pushed to learn it by heart.
"""

import argparse
import json
import random

import numpy as np
from scipy.sparse import hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

import data

BODY = 320  # bytes, as MailCorpus.MAX_BODY
FOLDS = 5


def cut(text, limit):
    """The first bytes of a text, never inside a character."""
    return text.encode()[:limit].decode("utf-8", "ignore").strip()


def windows(mail, body, rng, most):
    """The shown mail first, then windows that start at random words further down."""
    head, _ = mail["content"].split("\n\n", 1)
    texts = [mail["content"]]
    starts = [i + 1 for i, c in enumerate(body) if c == " " and 60 < i < len(body) - 120]
    rng.shuffle(starts)
    for start in sorted(starts[: most - 1]):
        texts.append(head + "\n\n" + cut(body[start:], BODY))
    return texts


class Teacher:
    """Logistic regression over TF-IDF of words, word pairs and character n-grams."""

    def __init__(self, texts, spam):
        self.parts = [
            TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2,
                            token_pattern=r"\w+|[^\w\s]"),
            TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, min_df=4),
        ]  # fmt: skip
        x = hstack([p.fit_transform(texts) for p in self.parts]).tocsr()
        self.model = LogisticRegression(C=10, max_iter=300, solver="liblinear").fit(x, spam)

    def spam(self, texts):
        x = hstack([p.transform(texts) for p in self.parts]).tocsr()
        return self.model.predict_proba(x)[:, 1]


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("mails", help="mails as the model is shown them")
    p.add_argument("long", help="the same mails with longer bodies")
    p.add_argument("out", help="JSON lines: id and a list of [text, probability of spam]")
    p.add_argument("--most", type=int, default=8, help="windows of one mail")
    a = p.parse_args()
    rng = random.Random(5)
    bodies = {m["id"]: m["content"].split("\n\n", 1)[1] for m in data.read(a.long)}
    mails = data.read(a.mails)
    train = [m for m in mails if m["split"] == "train"]
    texts = [windows(m, bodies.get(m["id"], ""), rng, a.most) for m in train]
    fold = np.array([int(m["group"], 16) % FOLDS for m in train])
    scores = [None] * len(train)
    for f in range(FOLDS):
        inside = [i for i in range(len(train)) if fold[i] != f]
        fit = [(t, train[i]["label"] == "spam") for i in inside for t in texts[i][:4]]
        teacher = Teacher([t for t, _ in fit], [s for _, s in fit])
        outside = [i for i in range(len(train)) if fold[i] == f]
        flat = teacher.spam([t for i in outside for t in texts[i]])
        at = 0
        for i in outside:
            scores[i] = flat[at : at + len(texts[i])]
            at += len(texts[i])
        gold = np.array([train[i]["label"] == "spam" for i in outside])
        first = np.array([scores[i][0] > 0.5 for i in outside])
        print(f"fold {f}: {len(fit)} windows fitted, {len(gold)} mails scored, "
              f"label {100 * (first == gold).mean():.2f}", flush=True)  # fmt: skip
    with open(a.out, "w", encoding="utf-8") as f:
        for m, t, s in zip(train, texts, scores):
            pairs = [[x, round(float(y), 4)] for x, y in zip(t, s)]
            f.write(json.dumps({"id": m["id"], "windows": pairs}, ensure_ascii=False) + "\n")
    print(sum(map(len, texts)), "windows of", len(train), "mails")


if __name__ == "__main__":
    main()
