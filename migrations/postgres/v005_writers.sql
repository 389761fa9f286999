-- How the workers write.
ALTER TABLE stint.workers ADD COLUMN writes_through_supervisor boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN stint.workers.writes_through_supervisor IS
    'Whether its claims and settlements went through its supervisor when it registered; false: it writes by itself';
