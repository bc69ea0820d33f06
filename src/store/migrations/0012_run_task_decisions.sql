-- The end of a run task's workflow names the decision that its result is made of; null where nothing was judged.
alter table run_tasks add column decision_id text;
