-- Buried jobs have the order of their burials, so that the first one is kicked first and the latest are seen first.
ALTER TABLE stint.buried ADD COLUMN burial bigint GENERATED ALWAYS AS IDENTITY;
COMMENT ON COLUMN stint.buried.burial IS 'The order of the burials';
DROP INDEX stint.buried_queue;
CREATE INDEX buried_queue ON stint.buried (queue_id, burial, job_id);
DROP INDEX stint.buried_group;
CREATE INDEX buried_group ON stint.buried (group_id, burial, job_id) WHERE group_id IS NOT NULL;
