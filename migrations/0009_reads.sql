-- What upkeep and admin look for is found by an index, however much was kept beside it. Nothing here is written on the way of an
-- event that goes well.

-- A load is asked for, whether or not a flush has taken it up by now.
CREATE INDEX load_rejects_asked ON load_rejects (id) WHERE requested_at IS NOT NULL;
-- What can be asked for.
CREATE INDEX load_rejects_unasked ON load_rejects (id) WHERE reloaded_at IS NULL AND requested_at IS NULL;

-- What is old enough to be cleared.
CREATE INDEX unreadable_received ON unreadable (received_at);
CREATE INDEX replays_created ON replays (created_at);
