-- Work on people's own data: exports, and accounts that end. Expands only.

-- `due_at` is when it is to be begun, and also until when somebody has it for himself; `at` is where
-- the work stopped, the key of a message or 'rest'; `progress` is of a thousand.
CREATE TABLE jobs (
    id UUID NOT NULL PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users (id),
    kind TEXT COLLATE "C" NOT NULL,
    options TEXT COLLATE "C",
    state TEXT COLLATE "C" NOT NULL,
    progress BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    finished_at BIGINT,
    due_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    at TEXT COLLATE "C",
    parts BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX jobs_due ON jobs (due_at) WHERE state IN ('queued', 'running');
CREATE INDEX jobs_of_user ON jobs (user_id, id);
CREATE INDEX jobs_finished ON jobs (finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE job_parts (
    job_id UUID NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    part BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (job_id, part)
);
