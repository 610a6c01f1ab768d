-- Rows of a partitioned table by their ids. A plan that a session keeps locks every partition, each time that it is used, whatever it
-- reads in the end: with 520 weeks 2,000 locks a claim, and seven claims at once were too many for the server. A statement inside of
-- these is planned for the ids that it is given, and so it locks their weeks alone. An empty array would prune nothing.

CREATE FUNCTION events_of(ids uuid[]) RETURNS SETOF events LANGUAGE plpgsql STABLE STRICT ROWS 100
SET plan_cache_mode = force_custom_plan AS $$
BEGIN
    IF ids <> '{}' THEN
        RETURN QUERY SELECT * FROM events WHERE id = ANY(ids);
    END IF;
END
$$;

CREATE FUNCTION outcomes_of(ids uuid[]) RETURNS SETOF outcomes LANGUAGE plpgsql STABLE STRICT ROWS 100
SET plan_cache_mode = force_custom_plan AS $$
BEGIN
    IF ids <> '{}' THEN
        RETURN QUERY SELECT * FROM outcomes WHERE id = ANY(ids);
    END IF;
END
$$;

CREATE FUNCTION attempts_of(ids uuid[]) RETURNS SETOF attempts LANGUAGE plpgsql STABLE STRICT ROWS 100
SET plan_cache_mode = force_custom_plan AS $$
BEGIN
    IF ids <> '{}' THEN
        RETURN QUERY SELECT * FROM attempts WHERE id = ANY(ids);
    END IF;
END
$$;
