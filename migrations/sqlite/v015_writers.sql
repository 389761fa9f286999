-- Whether the worker's claims and settlements went through its supervisor when it registered (1), or it wrote by itself (0). If its
-- supervisor falls silent, the worker writes by itself for a while, and this stays 1.
ALTER TABLE stint_workers ADD COLUMN writes_through_supervisor INTEGER NOT NULL DEFAULT 0;
