-- How the numbers of a range are written, and how often its upload was begun. Everything here is beside what was there.

ALTER TABLE loads
    -- A job has one form, so that the same job is always of the same bytes: another form takes another job.
    ADD COLUMN numbers   text    NOT NULL DEFAULT 'exact' CHECK (numbers IN ('exact', 'rounded', 'text')),
    -- The kind of refusal that made the range take this form. NULL where a setting did, or nothing.
    ADD COLUMN refusal   text,
    -- So many of its rows have a number that is not written as it came. Counted before its job can exist.
    ADD COLUMN changed   bigint  NOT NULL DEFAULT 0,
    -- How often an upload into the job that is named here was begun.
    ADD COLUMN uploads   integer NOT NULL DEFAULT 0,
    -- Of a part of a range that was too large: the bytes of that range, and when it was cut.
    ADD COLUMN cut_bytes bigint,
    ADD COLUMN cut_at    timestamptz;

-- What helped against a kind of refusal.
CREATE INDEX loads_refusal ON loads (refusal, loaded_at) WHERE refusal IS NOT NULL;
-- What was too large of late.
CREATE INDEX loads_cut ON loads (cut_at) WHERE cut_at IS NOT NULL;
