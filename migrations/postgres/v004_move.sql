-- What `stint move` needs: whether the jobs of this database go to another one or come from one, which jobs were changed
-- meanwhile, and triggers that refuse changes. The triggers exist only while there is a move, so that nothing is slower
-- without one.

CREATE TABLE stint.moves (
    direction    text   PRIMARY KEY CHECK (direction IN ('out', 'in')),
    move_id      text   NOT NULL,
    run          text   NOT NULL DEFAULT '',
    phase        text   NOT NULL CHECK (phase IN ('copying', 'frozen', 'moved', 'arriving', 'arrived')),
    peer         text   NOT NULL,
    frozen_until bigint,
    started_at   bigint NOT NULL
);
COMMENT ON TABLE stint.moves IS 'A move of the jobs to another database (out), and one from another database (in)';
COMMENT ON COLUMN stint.moves.move_id IS 'The same in both databases';
COMMENT ON COLUMN stint.moves.run IS 'Of the process that moves';
COMMENT ON COLUMN stint.moves.phase IS 'out: copying, frozen, moved; in: arriving, arrived';
COMMENT ON COLUMN stint.moves.peer IS 'The address of the other database';
COMMENT ON COLUMN stint.moves.frozen_until IS 'Of the phase frozen: until then all but enqueues is refused';

CREATE TABLE stint.move_notes (
    note       bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    job_id     bigint NOT NULL,
    unique_key text COLLATE "C"
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
COMMENT ON TABLE stint.move_notes IS 'Jobs that were added, changed or deleted since the move began, and that the other database does not have like this yet';
COMMENT ON COLUMN stint.move_notes.unique_key IS 'The key that the job had until its forwarding began; NULL: none, or it has not begun';

CREATE TABLE stint.forwarded (
    move_id text   NOT NULL,
    job_id  bigint NOT NULL,
    PRIMARY KEY (move_id, job_id)
);
COMMENT ON TABLE stint.forwarded IS 'Jobs that were enqueued in the other database after the move, and are here now';
COMMENT ON COLUMN stint.forwarded.job_id IS 'The id in the other database';

-- After the move only new jobs count. The keys of those that are forwarded are freed, so nothing changes these.
CREATE FUNCTION stint.note_jobs() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM stint.moves WHERE phase = 'moved') THEN
        INSERT INTO stint.move_notes (job_id) SELECT DISTINCT job_id FROM changed;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION stint.note_jobs() IS 'Notes the jobs of changed rows, until the move is made';

CREATE FUNCTION stint.note_job_rows() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' OR NOT EXISTS (SELECT 1 FROM stint.moves WHERE phase = 'moved') THEN
        INSERT INTO stint.move_notes (job_id) SELECT id FROM changed;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION stint.note_job_rows() IS 'Notes new jobs, and until the move is made others that were changed or deleted';

-- Refuses changes: all of them while jobs arrive, and all but enqueues while the move is made and after it.
CREATE FUNCTION stint.refuse_while_moved(known_move text, is_enqueue boolean) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    move record;
    peer text;
BEGIN
    IF current_setting('stint.mover', true) = 'on' AND pg_has_role(session_user, current_user, 'MEMBER') THEN
        RETURN;
    END IF;
    IF known_move IS NOT NULL AND current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
        -- What an older snapshot shows of the move does not count. A row that was changed since is an error by itself.
        PERFORM 1 FROM stint.moves m WHERE m.move_id = known_move FOR SHARE;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'a move of Stint''s jobs has begun since this transaction began: begin again'
                USING ERRCODE = 'serialization_failure';
        END IF;
    END IF;
    SELECT m.* INTO move FROM stint.moves m WHERE m.phase IN ('frozen', 'moved', 'arriving');
    IF NOT FOUND OR is_enqueue AND move.phase <> 'arriving' THEN RETURN; END IF;
    -- It is shown to whoever may enqueue, and goes into the server's log: without a password.
    peer := regexp_replace(move.peer, '^(postgres(?:ql)?://[^:/@]*):[^/]*@', '\1@');
    peer := regexp_replace(peer, '([?&](?:ssl)?password=)[^&]*', '\1…', 'g');
    CASE move.phase
    WHEN 'frozen' THEN
        IF move.frozen_until - stint.caller_now_ms() BETWEEN 1 AND 60000 THEN
            RAISE EXCEPTION 'Stint''s jobs are being moved to another database: try again in some seconds'
                USING ERRCODE = 'ST010', DETAIL = peer;
        END IF;
    WHEN 'moved' THEN
        RAISE EXCEPTION 'Stint''s jobs were moved to another database: use that one'
            USING ERRCODE = 'ST011', DETAIL = peer;
    ELSE
        RAISE EXCEPTION 'Stint''s jobs arrive here from another database: wait until that move has ended'
            USING ERRCODE = 'ST012', DETAIL = peer;
    END CASE;
END
$$;
COMMENT ON FUNCTION stint.refuse_while_moved(text, boolean) IS
    'Raises ST010 while jobs are moved away, ST011 after it and ST012 while jobs arrive; the detail is the address of the other database';

-- What an enqueue changes passes, but not while jobs arrive. Stint's own enqueues say so. Those of programs are told by their
-- function, which may take a waiting job out of its state to replace it, or move its start: only a superuser could let a
-- function make a setting of this name.
CREATE FUNCTION stint.fence() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    is_enqueue boolean := coalesce(current_setting('stint.enqueues', true) = 'on', false)
        OR TG_OP = 'INSERT' AND TG_TABLE_NAME IN ('jobs', 'ready', 'delayed', 'queues', 'groups');
    callers text;
BEGIN
    IF NOT is_enqueue THEN
        GET DIAGNOSTICS callers = PG_CONTEXT;
        is_enqueue := callers ~ '\mstint\.enqueue\(bytea,';
    END IF;
    PERFORM stint.refuse_while_moved(TG_ARGV[0], is_enqueue);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION stint.fence() IS 'Refuses changes of a table; what an enqueue changes passes, but not while jobs arrive';

-- Both need the owner of the tables, and the locks that the caller has taken.
CREATE FUNCTION stint.begin_notes() RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name text;
    event text;
BEGIN
    FOREACH name IN ARRAY ARRAY['jobs', 'ready', 'delayed', 'buried', 'done', 'cancelled', 'expired', 'events', 'unique_keys']
    LOOP
        FOREACH event IN ARRAY ARRAY['insert', 'update', 'delete'] LOOP
            EXECUTE format(
                'CREATE OR REPLACE TRIGGER move_%s AFTER %s ON stint.%I REFERENCING %s TABLE AS changed '
                    'FOR EACH STATEMENT EXECUTE FUNCTION stint.%I()',
                event, event, name, CASE event WHEN 'delete' THEN 'OLD' ELSE 'NEW' END,
                CASE name WHEN 'jobs' THEN 'note_job_rows' ELSE 'note_jobs' END);
        END LOOP;
    END LOOP;
END
$$;
COMMENT ON FUNCTION stint.begin_notes() IS 'Creates the triggers that note changes of jobs';

CREATE FUNCTION stint.raise_fence(move text) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'leases', 'jobs', 'ready', 'delayed', 'buried', 'done', 'cancelled', 'expired', 'deleted', 'queues', 'groups',
        'schedules', 'webhooks', 'webhook_states', 'operations', 'workers', 'restarts']
    LOOP
        EXECUTE format(
            'CREATE OR REPLACE TRIGGER move_fence BEFORE INSERT OR UPDATE OR DELETE ON stint.%I '
                'FOR EACH STATEMENT EXECUTE FUNCTION stint.fence(%L)', name, move);
    END LOOP;
END
$$;
COMMENT ON FUNCTION stint.raise_fence(text) IS 'Creates the triggers of a move that refuse changes';

CREATE FUNCTION stint.drop_move_triggers() RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    trigger record;
BEGIN
    FOR trigger IN
        SELECT t.tgname AS name, c.relname AS table_name FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
        WHERE c.relnamespace = 'stint'::regnamespace AND NOT t.tgisinternal AND t.tgname LIKE 'move\_%'
    LOOP
        EXECUTE format('DROP TRIGGER %I ON stint.%I', trigger.name, trigger.table_name);
    END LOOP;
END
$$;
COMMENT ON FUNCTION stint.drop_move_triggers() IS 'Removes all triggers of a move';
