-- How far each table of another database was copied into this one.

CREATE TABLE copied (
  name TEXT PRIMARY KEY,                  -- of the table
  rows BIGINT NOT NULL,
  after JSON NOT NULL                     -- {"key": […]}: of the last row
) WITHOUT ROWID;
