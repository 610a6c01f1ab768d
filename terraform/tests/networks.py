"""The part of the stand-in that makes networks and load balancers: the Compute API, which is older than the others and answers
otherwise, and the peering with Google's own network."""

LINK = "https://www.googleapis.com/compute/v1/"

# The peerings of each network, by its path.
peerings = {}


def compute_operation(path):
    """Of a region where the path has one."""
    place = path.split("/")[2:4] if "/regions/" in path else ["global"]
    link = "/".join([LINK.rstrip("/"), *path.split("/")[:2], *place])
    operation = {"kind": "compute#operation", "name": "operations-done", "status": "DONE", "selfLink": f"{link}/operations/operations-done"}
    return operation | {"targetLink": LINK + path} | ({"region": link} if place != ["global"] else {})


def compute_resource(path, body, id_):
    kept = body | {"name": path.rpartition("/")[2], "selfLink": LINK + path, "id": str(id_), "fingerprint": "Zm9v"}
    if "/addresses/" in path and "address" not in kept:
        kept["address"] = "10.20.0.0" if body.get("purpose") == "VPC_PEERING" else "203.0.113.7"
    return kept


def changed(resource, method, body):
    """What the methods that follow a slash set: labels, or a policy."""
    if method == "setLabels":
        return resource | {"labels": body["labels"]}
    if method == "setSecurityPolicy":
        return resource | {"securityPolicy": body.get("securityPolicy")}
    raise ValueError(method)


def peering(method, query, body):
    """There is one connection of a network."""
    if method == "GET":
        network = query["network"][0].rpartition("/")[2]
        return [peerings[network]] if network in peerings else []
    network = (body.get("network") or body["consumerNetwork"]).rpartition("/")[2]
    if method == "DELETE":
        del peerings[network]
    else:
        peerings[network] = body | {"service": "services/servicenetworking.googleapis.com", "peering": "servicenetworking-googleapis-com"}
    return []
