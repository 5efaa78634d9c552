"""Byte-level BPE: trains a vocabulary and writes it as a Hugging Face tokenizer.json.

The encoder below is the reference for the Java tokenizer: split with one regular expression, map
bytes to printable characters, then merge by rank.
"""

import argparse
import collections
import heapq
import json
import re

SPECIALS = ["<|pad|>", "<|mail|>", "<|json|>", "<|end|>"]
PAD, MAIL, JSON, END = range(4)
# Single digits keep dates copyable; punctuation runs make the JSON frame cheap.
PATTERN = r" ?[A-Za-z]+|[0-9]| ?[^\sA-Za-z0-9]+|\s+(?!\S)|\s"
CHAT_TEMPLATE = (
    "{% for m in messages %}{% if m.role == 'user' %}<|mail|>{{ m.content }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|json|>{% endif %}"
)


def byte_alphabet():
    """Byte -> printable character, as in GPT-2."""
    keep = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table, extra = {}, 0
    for b in range(256):
        if b in keep:
            table[b] = chr(b)
        else:
            table[b] = chr(256 + extra)
            extra += 1
    return table


def train(texts, vocab_size):
    """Returns the merge list, most frequent pair first, ties broken by the pair itself."""
    table = byte_alphabet()
    counts = collections.Counter()
    for text in texts:
        counts.update(re.findall(PATTERN, text))
    words = [[table[b] for b in w.encode("utf-8")] for w in counts]
    freqs = list(counts.values())
    pairs, where = collections.Counter(), collections.defaultdict(set)
    for i, w in enumerate(words):
        for p in zip(w, w[1:]):
            pairs[p] += freqs[i]
            where[p].add(i)
    heap = [(-c, p) for p, c in pairs.items()]
    heapq.heapify(heap)
    merges = []
    while len(merges) < vocab_size - 256 - len(SPECIALS) and heap:
        c, pair = heapq.heappop(heap)
        if pairs.get(pair, 0) != -c:
            if pairs.get(pair, 0) > 0:
                heapq.heappush(heap, (-pairs[pair], pair))
            continue
        merges.append(pair)
        changed = set()
        for i in list(where[pair]):
            w = words[i]
            for p in zip(w, w[1:]):
                pairs[p] -= freqs[i]
                changed.add(p)
            out, j = [], 0
            while j < len(w):
                if j + 1 < len(w) and (w[j], w[j + 1]) == pair:
                    out.append(w[j] + w[j + 1])
                    j += 2
                else:
                    out.append(w[j])
                    j += 1
            words[i] = out
            for p in zip(out, out[1:]):
                pairs[p] += freqs[i]
                where[p].add(i)
                changed.add(p)
        pairs[pair] = 0
        for p in changed:
            if pairs[p] > 0:
                heapq.heappush(heap, (-pairs[p], p))
    return merges


def write(merges, path):
    table = byte_alphabet()
    tokens = SPECIALS + [table[b] for b in range(256)] + [a + b for a, b in merges]
    vocab = {}
    for t in tokens:
        vocab.setdefault(t, len(vocab))
    data = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {
                "id": i,
                "content": s,
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "special": True,
            }
            for i, s in enumerate(SPECIALS)
        ],
        "normalizer": None,
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [
                {
                    "type": "Split",
                    "pattern": {"Regex": PATTERN},
                    "behavior": "Isolated",
                    "invert": False,
                },
                {
                    "type": "ByteLevel",
                    "add_prefix_space": False,
                    "trim_offsets": True,
                    "use_regex": False,
                },
            ],
        },
        "post_processor": None,
        "decoder": {
            "type": "ByteLevel",
            "add_prefix_space": True,
            "trim_offsets": True,
            "use_regex": True,
        },
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "vocab": vocab,
            "merges": [a + " " + b for a, b in merges],
        },
    }
    with open(path, "w", encoding="utf-8") as f:
        json.dump(data, f, ensure_ascii=False, indent=0)


class Tokenizer:
    """Encoder and decoder for a tokenizer.json written by this file."""

    def __init__(self, path):
        data = json.load(open(path, encoding="utf-8"))
        self.vocab = data["model"]["vocab"]
        self.ranks = {tuple(m.split(" ")): i for i, m in enumerate(data["model"]["merges"])}
        self.table = byte_alphabet()
        self.back = {c: b for b, c in self.table.items()}
        self.tokens = {i: t for t, i in self.vocab.items()}
        self.find = re.compile(PATTERN).findall
        self.cache = {}

    def _word(self, word):
        parts = [self.table[b] for b in word.encode("utf-8")]
        while len(parts) > 1:
            rank, at = min(
                (self.ranks.get(p, 1 << 30), i) for i, p in enumerate(zip(parts, parts[1:]))
            )
            if rank == 1 << 30:
                break
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        return [self.vocab[p] for p in parts]

    def encode(self, text):
        """Ids of plain text; special tokens are never read from text."""
        ids, cache = [], self.cache
        for word in self.find(text):
            hit = cache.get(word)
            if hit is None:
                hit = self._word(word)
                if len(cache) < 500_000:
                    cache[word] = hit
            ids.extend(hit)
        return ids

    def decode(self, ids):
        out = bytearray()
        for i in ids:
            if i < len(SPECIALS):
                continue
            out.extend(self.back[c] for c in self.tokens[int(i)])
        return out.decode("utf-8", errors="replace")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mails", help="JSON lines written by MailCorpus")
    parser.add_argument("out", help="tokenizer.json to write")
    parser.add_argument("--vocab", type=int, default=2048)
    args = parser.parse_args()
    import data

    mails = [m for m in data.read(args.mails) if m["split"] != "test"]
    texts = [m["content"] for m in mails] + [data.answer(m) for m in mails]
    merges = train(texts, args.vocab)
    write(merges, args.out)
    tok = Tokenizer(args.out)
    sizes = [len(tok.encode(m["content"])) for m in mails]
    chars = sum(len(m["content"]) for m in mails)
    print(f"vocab {len(tok.vocab)}, {chars / sum(sizes):.2f} characters per token")
    print("prompt tokens: mean %.1f max %d" % (sum(sizes) / len(sizes), max(sizes)))
    print("answer tokens:", sum(len(tok.encode(t)) for t in texts[len(mails) :]) / len(mails))


if __name__ == "__main__":
    main()
