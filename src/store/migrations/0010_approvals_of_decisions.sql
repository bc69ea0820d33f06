-- The detail of a decision names the approvals that it asked for, and those that it rested on.
create index approvals_decision on approvals (decision_id);
create index approvals_request on approvals (request_key);
