-- What is committed is matched with the rows of a bill that name its resources, while requests wait for the budget's lock.
create index focus_rows_by_resource_id on focus_rows (resource_id) where resource_id is not null;
create index focus_rows_by_resource_name on focus_rows (resource_name) where resource_name is not null;
