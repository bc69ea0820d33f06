# policies/resource-limits-policy.yaml and policies/tagging-policy.yaml, written out by hand for this one question: what Open Policy
# Agent can do at its best. The answer says what Tollgate's says of each violation that matters for a comparison.
package tollgate

decision := {"allowed": count(violations) == 0, "violations": violations}

violations contains v if {
	input.type == "compute/instance"
	input.namespace == "production"
	some v in instance_limits
}

violations contains v if {
	input.type == "database/instance"
	input.namespace == "production"
	some v in database_limits
}

violations contains v if {
	startswith(input.type, "compute/")
	some v in tag_problems
}

violations contains v if {
	startswith(input.type, "database/")
	some v in tag_problems
}

violations contains v if {
	startswith(input.type, "storage/")
	some v in tag_problems
}

violations contains v if {
	startswith(input.type, "network/")
	some v in tag_problems
}

instance_limits contains {"rule": "max-instance-size", "path": "specs.vcpus", "observed": input.specs.vcpus, "limit": 16, "message": message} if {
	input.specs.vcpus > 16
	message := sprintf("Requested %v vCPUs exceeds limit of 16", [input.specs.vcpus])
}

instance_limits contains {"rule": "max-instance-size", "path": "specs.memory_gb", "observed": input.specs.memory_gb, "limit": 64, "message": message} if {
	input.specs.memory_gb > 64
	message := sprintf("Requested %vGB memory exceeds limit of 64GB", [input.specs.memory_gb])
}

instance_limits contains {"rule": "max-instance-size", "path": "specs.instance_family", "observed": family, "limit": denied, "message": message} if {
	family := input.specs.instance_family
	denied := {"gpu", "high-memory"}
	family in denied
	message := sprintf("Instance family '%v' is denied", [family])
}

instance_limits contains {"rule": "max-instance-size", "path": "specs.instance_family", "observed": family, "limit": allowed, "message": message} if {
	family := input.specs.instance_family
	allowed := {"general-purpose", "compute-optimized"}
	not family in allowed
	not family in {"gpu", "high-memory"}
	message := sprintf("Instance family '%v' is not allowed", [family])
}

database_limits contains {"rule": "max-database-size", "path": "specs.vcpus", "observed": input.specs.vcpus, "limit": 8, "message": message} if {
	input.specs.vcpus > 8
	message := sprintf("Requested %v vCPUs exceeds limit of 8", [input.specs.vcpus])
}

database_limits contains {"rule": "max-database-size", "path": "specs.storage_gb", "observed": input.specs.storage_gb, "limit": 500, "message": message} if {
	input.specs.storage_gb > 500
	message := sprintf("Requested %vGB storage exceeds limit of 500GB", [input.specs.storage_gb])
}

tag_problems contains {"rule": "cost-center-required", "path": sprintf("tags.%v", [key]), "observed": null, "limit": "required", "message": message} if {
	some key in ["cost-center", "environment", "owner", "project"]
	not input.tags[key]
	message := sprintf("Required tag '%v' is missing", [key])
}

tag_problems contains {"rule": "cost-center-required", "path": "tags.cost-center", "observed": value, "limit": "^CC-[0-9]{6}$", "message": message} if {
	value := input.tags["cost-center"]
	not regex.match("^CC-[0-9]{6}$", value)
	message := sprintf("Tag 'cost-center' value '%v' does not match pattern", [value])
}

tag_problems contains {"rule": "cost-center-required", "path": "tags.environment", "observed": value, "limit": allowed, "message": message} if {
	value := input.tags.environment
	allowed := {"production", "staging", "development", "sandbox"}
	not value in allowed
	message := sprintf("Tag 'environment' value '%v' is not allowed", [value])
}

tag_problems contains {"rule": "cost-center-required", "path": "tags.owner", "observed": value, "limit": "^[a-z]+@company\\.com$", "message": message} if {
	value := input.tags.owner
	not regex.match(`^[a-z]+@company\.com$`, value)
	message := sprintf("Tag 'owner' value '%v' does not match pattern", [value])
}

tag_problems contains {"rule": "cost-center-required", "path": "tags.project", "observed": value, "limit": [3, 50], "message": message} if {
	value := input.tags.project
	not count_within(value, 3, 50)
	message := sprintf("Tag 'project' has %v characters", [count(value)])
}

count_within(value, low, high) if {
	count(value) >= low
	count(value) <= high
}
