-- What people enter by hand, version 2 of the health tables. Frozen: a change is a new file.

CREATE TABLE habit (
    key TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    question TEXT NOT NULL DEFAULT '',
    kind TEXT NOT NULL,            -- yes_no, at_least, at_most
    target REAL NOT NULL DEFAULT 0,
    unit TEXT NOT NULL DEFAULT '',
    times INTEGER NOT NULL,        -- so many times ...
    days INTEGER NOT NULL,         -- ... in so many days
    reminder TEXT NOT NULL DEFAULT '',
    archived INTEGER NOT NULL DEFAULT 0,
    position INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE habit_entry (
    habit TEXT NOT NULL REFERENCES habit (key) ON DELETE CASCADE,
    day INTEGER NOT NULL,
    skipped INTEGER NOT NULL DEFAULT 0,
    value REAL NOT NULL DEFAULT 0, -- yes is 1
    note TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (habit, day)
) STRICT, WITHOUT ROWID;

CREATE TABLE medication (
    key TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    unit TEXT NOT NULL DEFAULT '',
    plan TEXT NOT NULL,            -- JSON: times, weekdays or interval, dose
    first_day INTEGER NOT NULL,
    last_day INTEGER,
    stock REAL,
    archived INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE dose (
    medication TEXT NOT NULL REFERENCES medication (key) ON DELETE CASCADE,
    due_ms INTEGER NOT NULL,
    state TEXT NOT NULL,           -- taken, skipped, snoozed
    at_ms INTEGER NOT NULL,
    offset_min INTEGER NOT NULL,
    amount REAL NOT NULL DEFAULT 0,
    PRIMARY KEY (medication, due_ms)
) STRICT, WITHOUT ROWID;

-- When reminders were due and when the system really delivered them.
CREATE TABLE reminder (
    what TEXT NOT NULL,
    due_ms INTEGER NOT NULL,
    fired_ms INTEGER,
    PRIMARY KEY (what, due_ms)
) STRICT, WITHOUT ROWID;

CREATE TABLE cycle_day (
    day INTEGER PRIMARY KEY,
    flow INTEGER NOT NULL,         -- 0 none, 1 spotting, 2 light, 3 medium, 4 heavy
    note TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE mood (
    start_ms INTEGER PRIMARY KEY,
    offset_min INTEGER NOT NULL,
    whole_day INTEGER NOT NULL DEFAULT 0,
    valence REAL NOT NULL,         -- -1 to 1
    labels TEXT NOT NULL DEFAULT '[]',
    about TEXT NOT NULL DEFAULT '[]',
    note TEXT NOT NULL DEFAULT ''
) STRICT;
