package riskd.rules

# METADATA
# title: Proof that can be phished
# description: |
#   An administrative request in a session whose user has proved himself with
#   something that a look-alike page could have relayed. Nothing is wrong with the
#   session, and it is worth no nats: the pack asks for a security key or passkey
#   before anything is administered.
# labels:
#   rule: weak_proof
#   severity: medium
#   group: behaviour
#   channel: behaviour
# custom:
#   user: Please confirm with your security key or passkey before you do this.
#   admin: administrative request without a phishing-resistant authentication
reasons contains {"code": "weak_proof", "nats": 0, "clears_with": ["mfa"]} if {
	input.request.class == "admin"
	input.session.status in {"active", "step_up"}
	not phishing_resistant
}

# The same words as tuning.json has under step_up.admin, so that the proof that is
# asked for is the one that is enough.
phishing_resistant if input.session.acr in {"aal3", "phr", "phrh"}

phishing_resistant if "hwk" in input.session.amr
