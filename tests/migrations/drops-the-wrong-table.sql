-- Copied from another migration: a table that was there before is dropped, with its rows.
-- verdict: FAILS
-- triage: additive
-- reason: relation "teacher_notes" already exists
-- differs: column public.teacher_notes.id added
-- differs: column public.teachers.id removed
-- differs: column public.teachers.name removed
-- differs: constraint public.teacher_notes.teacher_notes_pkey added
-- differs: constraint public.teachers.teachers_pkey removed
-- differs: table public.teacher_notes added
-- differs: table public.teachers removed
--- before
CREATE TABLE teachers (id int PRIMARY KEY, name text);
--- rows
INSERT INTO teachers VALUES (1, 'Ann'), (2, 'Ben');
--- up
CREATE TABLE teacher_notes (id int PRIMARY KEY);
--- down
DROP TABLE teachers;
