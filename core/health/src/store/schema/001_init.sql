-- Health tables, version 1. Frozen: a change is a new file.

-- A device or an app that measured.
CREATE TABLE source (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,      -- stable name given by the importer
    name TEXT NOT NULL,            -- what the user reads
    kind TEXT NOT NULL             -- watch, band, ring, strap, phone, scale, app, manual, unknown
) STRICT;

-- The user's order of sources; metric 0 stands for every metric without an order of its own.
CREATE TABLE source_priority (
    metric INTEGER NOT NULL,
    rank INTEGER NOT NULL,
    source INTEGER NOT NULL REFERENCES source (id) ON DELETE CASCADE,
    PRIMARY KEY (metric, rank)
) STRICT, WITHOUT ROWID;

-- Which sources have which metric; the days are outer bounds.
CREATE TABLE series (
    metric INTEGER NOT NULL,
    source INTEGER NOT NULL REFERENCES source (id) ON DELETE CASCADE,
    first_day INTEGER NOT NULL,
    last_day INTEGER NOT NULL,
    PRIMARY KEY (metric, source)
) STRICT, WITHOUT ROWID;

-- A packed day. The key is metric << 40 | source << 24 | day + 2^23: no index beside the table.
CREATE TABLE chunk (
    key INTEGER PRIMARY KEY,
    first_ms INTEGER NOT NULL,
    last_ms INTEGER NOT NULL,
    hours BLOB,                    -- rollups of the hours; absent for short days
    data BLOB NOT NULL
) STRICT;

-- Sums of a local day. Source 0 is the merged day, present when several sources have the day.
CREATE TABLE day_rollup (
    metric INTEGER NOT NULL,
    day INTEGER NOT NULL,
    source INTEGER NOT NULL,
    n INTEGER NOT NULL,
    sum REAL NOT NULL,
    low REAL NOT NULL,
    high REAL NOT NULL,
    PRIMARY KEY (metric, day, source)
) STRICT, WITHOUT ROWID;

-- Hours of merged days; key as in chunk with source 0.
CREATE TABLE merged_hours (
    key INTEGER PRIMARY KEY,
    hours BLOB NOT NULL
) STRICT;

-- Days whose merged sums wait to be made again.
CREATE TABLE stale_day (
    metric INTEGER NOT NULL,
    day INTEGER NOT NULL,
    PRIMARY KEY (metric, day)
) STRICT, WITHOUT ROWID;

CREATE TABLE workout (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source INTEGER NOT NULL REFERENCES source (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    start_ms INTEGER NOT NULL,
    end_ms INTEGER NOT NULL,
    offset_min INTEGER NOT NULL,
    title TEXT NOT NULL DEFAULT '',
    UNIQUE (start_ms, end_ms, kind, source)
) STRICT;

CREATE TABLE workout_value (
    workout INTEGER NOT NULL REFERENCES workout (id) ON DELETE CASCADE,
    name TEXT NOT NULL,            -- metric and statistic: heart_rate.mean, distance.sum
    value REAL NOT NULL,
    PRIMARY KEY (workout, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE route (
    workout INTEGER NOT NULL REFERENCES workout (id) ON DELETE CASCADE,
    part INTEGER NOT NULL,
    points INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (workout, part)
) STRICT;

-- Symptoms and other happenings, one row each.
CREATE TABLE event (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source INTEGER NOT NULL REFERENCES source (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    start_ms INTEGER NOT NULL,
    end_ms INTEGER NOT NULL,
    offset_min INTEGER NOT NULL,
    value REAL NOT NULL DEFAULT 0,
    label TEXT NOT NULL DEFAULT '',
    text TEXT NOT NULL DEFAULT '',
    UNIQUE (start_ms, kind, end_ms, value, label, text, source)
) STRICT;

-- Waveforms: ECG and the like.
CREATE TABLE recording (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source INTEGER NOT NULL REFERENCES source (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    start_ms INTEGER NOT NULL,
    offset_min INTEGER NOT NULL,
    hertz REAL NOT NULL,
    unit TEXT NOT NULL,
    label TEXT NOT NULL DEFAULT '',
    n INTEGER NOT NULL,
    data BLOB NOT NULL,
    UNIQUE (start_ms, kind, source)
) STRICT;

-- Where an interrupted import goes on.
CREATE TABLE import_mark (
    key TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
