package riskd.rules

# METADATA
# title: Service account out of hours
# description: |
#   A service account that runs in the day is used at night, UTC. Nobody sits at
#   it, so that there is no innocent overtime; a job that was moved is. It can't
#   pass a step-up either, which stops it until somebody looks.
# labels:
#   rule: service_hours
#   severity: high
#   group: time
#   channel: behaviour
# custom:
#   user: This account isn't used at this hour.
#   admin: service account used between 22 and 5 o'clock UTC
reasons contains {"code": "service_hours", "invariant": true} if {
	input.user.type == "service"
	regex.match(`T(2[23]|0[0-4]):`, input.event.time)
}
