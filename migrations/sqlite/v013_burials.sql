-- Buried jobs have the order of their burials, so that the first one is kicked first and the latest are seen first. Those that
-- were buried before keep the order of their ids.
ALTER TABLE stint_buried ADD COLUMN burial INTEGER NOT NULL DEFAULT 0;
DROP INDEX stint_buried_queue;
CREATE INDEX stint_buried_queue ON stint_buried (queue_id, burial);
DROP INDEX stint_buried_group;
CREATE INDEX stint_buried_group ON stint_buried (group_id, burial) WHERE group_id IS NOT NULL;

-- The number of the last burial. One row.
CREATE TABLE stint_burials (
    last INTEGER NOT NULL
) STRICT;
INSERT INTO stint_burials (last) VALUES (0);
