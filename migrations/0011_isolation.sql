-- Which event ends the process that runs it, and which merely ran beside it. Everything here is beside what was there: a program from
-- before neither reads nor writes it.

ALTER TABLE live
    -- The latest attempt runs, or ran, in a process that ran nothing else.
    ADD COLUMN alone       boolean NOT NULL DEFAULT false,
    -- Those of the `lost` attempts that ran alone. They alone count towards the event's end.
    ADD COLUMN lost_alone  integer NOT NULL DEFAULT 0,
    -- Attempts whose session with the database was lost. They are no tries, and have a bound of their own.
    ADD COLUMN interrupted integer NOT NULL DEFAULT 0;
