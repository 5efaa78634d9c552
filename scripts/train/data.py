"""Training samples: real mails, mails with swapped headers, and short header-only mails."""

import datetime
import json
import random
import re

import numpy as np

from bpe import END, JSON, MAIL

DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
MONTHS = [
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
]  # fmt: skip
ZONES = ["+0000", "-0000", "+0100", "+0200", "-0400", "-0500", "-0700", "-0800", "GMT", "EST",
         "-0700 (PDT)", "-0400 (EDT)", "+0100 (IST)", "+0530", "+0800", "+1000", "UT", ""]  # fmt: skip
LETTERS = "abcdefghijklmnopqrstuvwxyz"
SYLLABLES = (
    "ba be bo bra ca ce chi co cu da de di do dra fa fe fi fo fra ga ge gi go gra ha he ho hu ja jo "
    "ka ke ki ko kra la le li lo lu ma me mi mo mu na ne ni no nu pa pe pi po pra qui ra re ri ro ru "
    "sa se shi so sta su ta te thi to tra tu va ve vi vo wa we wi wo xa ya yo za ze zo an er in on "
    "un ar el st ck ng th ll s t n r x"
).split()
TLDS = ["com", "com", "com", "org", "net", "net", "edu", "ie", "co.uk", "de", "com.au", "ca", "fr",
        "it", "ru", "co.jp", "info", "nl", "us", "gov", "ch", "se", "com.br"]  # fmt: skip

# Loss weights of the parts of a sample.
W_PROMPT, W_FRAME, W_LABEL, W_TOPIC, W_SENDER, W_DATE = 0.1, 0.3, 4.0, 1.0, 2.0, 1.0
W_SHORT_LABEL = 0.3  # a subject alone teaches the label by heart
GOLD_SHARE = 0.5  # of the label's target; the rest is the linear teacher's probability
SHORT_LABEL_TARGET = 0.8
FIELDS = ["label", "topic", "sender", "date"]


def read(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def answer(m):
    return '{"label":"%s","topic":"%s","sender":"%s","date":"%s"}' % tuple(m[k] for k in FIELDS)


def is_calibration(m):
    """A fixed 5 % of the threads is held out for thresholds and for watching progress."""
    return m["split"] == "calibration"


def encode(tok, content, m, label=W_LABEL):
    """Token ids, loss weights and the field number of every position (0 prompt, 1 frame, 2..5)."""
    ids = [MAIL] + tok.encode(content) + [JSON]
    weight, field = [W_PROMPT] * len(ids), [0] * len(ids)
    glue = ['{"label":"', '","topic":"', '","sender":"', '","date":"']
    for i, key in enumerate(FIELDS):
        part = tok.encode(glue[i])
        ids += part
        weight += [W_FRAME] * len(part)
        field += [1] * len(part)
        part = tok.encode(m[key])
        ids += part
        weight += [(label, W_TOPIC, W_SENDER, W_DATE)[i]] * len(part)
        field += [2 + i] * len(part)
    part = tok.encode('"}') + [END]
    return ids + part, weight + [W_FRAME] * len(part), field + [1] * len(part)


class Augmenter:
    """Makes sender lines and date lines with known answers."""

    def __init__(self, mails, rng):
        self.rng = rng
        self.locals = [m["sender"].split("@")[0] for m in mails]
        self.domains = [m["sender"].split("@")[1] for m in mails]
        names = set()
        for m in mails:
            line = m["content"].split("\n", 1)[0][6:]
            name = line.split("<")[0].strip().strip('"')
            if name and "@" not in name and len(name) < 40:
                names.add(name)
        self.names = sorted(names)
        words = set()
        for m in mails:
            words.update(re.findall("[A-Za-z]{3,9}", m["content"].split("\n\n", 1)[1]))
        self.words = sorted(words)

    def word(self, low=2, high=4):
        return "".join(self.rng.choice(SYLLABLES) for _ in range(self.rng.randint(low, high)))

    def phrase(self):
        """One to three words of the mails run together, as in CopyMyDVD or spamfilter."""
        r = self.rng
        words = [r.choice(self.words) for _ in range(r.choice([1, 2, 2, 3]))]
        if r.random() < 0.5:
            return "".join(w.capitalize() for w in words)
        return "".join(w.lower() for w in words)

    def noise(self, low, high):
        signs = LETTERS + LETTERS.upper() + "0123456789" * 2
        if self.rng.random() < 0.4:
            signs = LETTERS + "0123456789"
        return "".join(self.rng.choice(signs) for _ in range(self.rng.randint(low, high)))

    def address(self):
        r = self.rng
        u = r.random()
        if u < 0.2:
            local = r.choice(self.locals)
        elif u < 0.35:
            local = self.word()
        elif u < 0.6:
            local = self.phrase()
        elif u < 0.72:
            local = self.phrase() + r.choice([".", "_", "-"]) + self.phrase()
        elif u < 0.84:
            local = r.choice([self.word(1, 3), self.phrase()]) + str(r.randint(0, 10 ** r.randint(1, 8)))
        elif u < 0.92:
            local = self.noise(4, 14)
        elif u < 0.96:
            local = self.word(1, 2) + r.choice("+#-") + self.word(1, 2) + r.choice("+.-") + self.noise(6, 16)
        else:
            local = r.choice(LETTERS) + "." + r.choice(["", r.choice(LETTERS) + "."]) + self.word()
        u = r.random()
        if u < 0.2:
            domain = r.choice(self.domains)
        elif u < 0.5:
            domain = self.phrase() + "." + r.choice(TLDS)
        elif u < 0.8:
            domain = self.word() + "." + r.choice(TLDS)
        else:
            domain = self.word(1, 2) + "." + r.choice([self.word, self.phrase])() + "." + r.choice(TLDS)
        return (local + "@" + domain)[:60]

    def sender(self):
        r = self.rng
        address = self.address()
        while not address[-1].isalpha() or not address[0].isalnum():
            address = self.address()
        shown, address = address, address.lower()
        if r.random() < 0.15:
            local, domain = shown.split("@")
            u = r.random()
            if u < 0.3:
                shown = address.upper()
            elif u < 0.6:
                shown = local.title() + "@" + domain
            else:
                shown = local + "@" + (domain.upper() if u < 0.75 else domain.title())
        name = r.choice(self.names) if r.random() < 0.5 else (
            self.word().capitalize() + " " + self.word().capitalize()
        )
        u = r.random()
        if u < 0.38:
            line = f"{name} <{shown}>"
        elif u < 0.62:
            line = f'"{name}" <{shown}>'
        elif u < 0.84:
            line = f"<{shown}>"
        elif u < 0.95:
            line = f"<{shown}> ({name})"
        elif u < 0.98:
            line = f'"{shown}" <{shown}>'
        else:
            line = f"{name}<{shown}>"
        return line[:100], address

    def date(self):
        r = self.rng
        day = datetime.date(r.randint(1998, 2027), 1, 1) + datetime.timedelta(days=r.randint(0, 364))
        if r.random() < 0.35:
            day = day.replace(year=2002, day=min(day.day, 28))
        h, mi, s = r.randint(0, 23), r.randint(0, 59), r.randint(0, 59)
        wd, mon = DAYS[day.weekday()], MONTHS[day.month - 1]
        zone = r.choice(ZONES)
        d2 = f"{day.day:02d}" if r.random() < 0.5 else str(day.day)
        clock = f"{h:02d}:{mi:02d}:{s:02d}" if r.random() < 0.9 else f"{h}:{mi:02d}"
        u = r.random()
        if u < 0.62:
            line = f"{wd[:3]}, {d2} {mon[:3]} {day.year} {clock} {zone}"
        elif u < 0.74:
            line = f"{d2} {mon[:3]} {day.year} {clock} {zone}"
        elif u < 0.78:
            line = f"{wd[:3]}, {d2} {mon[:3]} {day.year % 100:02d} {clock} {zone}"
        elif u < 0.83:
            line = f"{wd[:3]} {mon[:3]} {d2} {clock} {day.year}"
        elif u < 0.88:
            line = f"{day.isoformat()} {clock}"
        elif u < 0.92:
            line = f"{day.year}/{day.month:02d}/{day.day:02d} {clock}"
        elif u < 0.96:
            line = f"{wd}, {mon} {day.day}, {day.year} {clock}"
        else:
            line = f"{d2}-{mon[:3]}-{day.year} {clock} {zone}"
        return line.strip(), day.isoformat()

    def change(self, m, p_sender, p_date, body=None):
        """A copy of a mail with new header lines and, if asked, a shorter body."""
        head, rest = m["content"].split("\n\n", 1)
        if body is None and self.rng.random() < 0.3:  # the label must not hang on one phrase
            cut = self.rng.randint(0, len(rest) // 2)
            rest = rest[cut:].strip() or rest
        lines = head.split("\n")
        out = dict(m)
        if self.rng.random() < p_sender:
            line, out["sender"] = self.sender()
            lines[0] = "From: " + line
        if self.rng.random() < p_date:
            line, out["date"] = self.date()
            lines[1] = "Date: " + line
        if body is not None:
            rest = rest[:body].strip()
            lines[2] = lines[2][:60].strip()
        out["content"] = "\n".join(lines) + "\n\n" + rest
        return out


def read_windows(path):
    """Body windows of the training mails with a teacher's probability of spam (windows.py)."""
    return {m["id"]: m["windows"] for m in read(path)}


class Batches:
    """Endless length-bucketed batches; the order depends on the seed alone."""

    def __init__(self, mails, tok, seed, windows):
        self.tok, self.mails, self.rng, self.windows = tok, mails, random.Random(seed), windows
        self.aug = Augmenter(mails, self.rng)
        self.queue = {True: [], False: []}
        self.order = []

    def _draw(self):
        if not self.order:
            self.order = list(range(len(self.mails)))
            self.rng.shuffle(self.order)
        return self.mails[self.order.pop()]

    def _window(self, m):
        """One window of the mail and the target probability of its gold label."""
        choices = self.windows[m["id"]]
        content, spam = choices[0 if self.rng.random() < 0.4 else self.rng.randrange(len(choices))]
        teacher = spam if m["label"] == "spam" else 1 - spam
        return dict(m, content=content), GOLD_SHARE + (1 - GOLD_SHARE) * teacher

    def _fill(self, short, size):
        pool = []
        for _ in range(size * 8):
            m = self._draw()
            if short:
                m = self.aug.change(m, 0.85, 0.8, self.rng.choice([0, 0, 20, 60]))
                pool.append((encode(self.tok, m["content"], m, W_SHORT_LABEL), SHORT_LABEL_TARGET))
            else:
                m, target = self._window(m)
                m = self.aug.change(m, 0.4, 0.35)
                pool.append((encode(self.tok, m["content"], m), target))
        pool.sort(key=lambda s: len(s[0][0]))
        groups = [pool[i : i + size] for i in range(0, len(pool), size)]
        self.rng.shuffle(groups)
        self.queue[short] = groups

    def next(self, short, size):
        """Ids, weights and fields as pad gives them, and the gold label's probability [B]."""
        if not self.queue[short]:
            self._fill(short, size)
        group = self.queue[short].pop()
        return *pad([s for s, _ in group]), np.array([t for _, t in group], np.float32)


def pad(samples):
    """Right-pads samples; returns ids [B,T], weights [B,T] and fields [B,T]."""
    size = max(len(s[0]) for s in samples)
    ids = np.zeros((len(samples), size), np.int64)
    weight = np.zeros((len(samples), size), np.float32)
    field = np.full((len(samples), size), -1, np.int64)
    for i, (a, w, f) in enumerate(samples):
        ids[i, : len(a)], weight[i, : len(a)], field[i, : len(a)] = a, w, f
    return ids, weight, field
