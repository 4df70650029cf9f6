-- The emergency card: one row, as JSON, since it is read and written whole.
CREATE TABLE emergency_card (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    content TEXT NOT NULL DEFAULT '{}',
    updated_ms INTEGER NOT NULL DEFAULT 0
) STRICT;
