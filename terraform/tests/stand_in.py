"""What Google's control plane keeps and answers, as far as our configuration asks.

It keeps whatever it is given under the name that it is given, adds the fields that the server
adds, leaves out what is zero or empty, and answers every operation with DONE. It checks two things:
that a database user's password is the one in the secret, and that nothing is made twice.
"""

import base64
import json
import re

import networks

# The projects are there before everything else.
PROJECTS = {"eventflow-test": "123456789012", "eventflow-dev": "100000000001", "eventflow-prod": "100000000002"}
DONE = {"name": "operations/done", "done": True, "status": "DONE"}

# Where a product's collection takes the name of what is made: in the query, or in the body.
NAME_IN_BODY = {
    "accountId": lambda body, parent: f"{body['accountId']}@{parent.split('/')[1]}.iam.gserviceaccount.com",
    "datasetReference": lambda body, _: body["datasetReference"]["datasetId"],
    "tableReference": lambda body, _: body["tableReference"]["tableId"],
    "name": lambda body, _: body["name"].rpartition("/")[2],
}

STATES = {"enable": "ENABLED", "disable": "DISABLED", "pause": "PAUSED", "resume": "ENABLED"}

store = {
    f"cloudresourcemanager/projects/{project}": {"projectId": project, "projectNumber": number, "lifecycleState": "ACTIVE"}
    for project, number in PROJECTS.items()
}
policies = {}
payloads = {}
counter = iter(range(1, 1_000_000))


def created(product, parent, query, body):
    """Keeps what was posted to a collection, with what its server adds."""
    ids = [value for key, values in query.items() if key.endswith(("Id", "_id")) for value in values]
    key = next((key for key in NAME_IN_BODY if key in body), None)
    name = ids[0] if ids else NAME_IN_BODY[key](body, parent) if key else f"id-{next(counter)}"
    path = f"{parent}/{name}"
    if "/users/" in path and not known(body["password"]):
        return 400, {"error": {"code": 400, "message": "no secret holds this password"}}
    if f"{product}/{path}" in store:
        return already_there(path)
    store[f"{product}/{path}"] = added(product, path, body)
    return 200, answer(product, path)


def number(path):
    """The number of the project that a path begins with; a pool's own name has it already."""
    project = path.split("/")[1]
    return PROJECTS.get(project, project)


def known(password):
    return bool(password) and any(f":{password}@" in base64.b64decode(data).decode() for data in payloads.values())


def added(product, path, body):
    name = path.rpartition("/")[2]
    if product == "run":
        kept = body | {"name": path, "terminalCondition": {"type": "Ready", "state": "CONDITION_SUCCEEDED"}}
        if "/services/" in path:
            region = path.split("/")[3]
            kept["urls"] = [f"https://{name}-{number(path)}.{region}.run.app"]
            kept["uri"] = kept["urls"][0]
        return kept
    if product == "sql":
        if "/users/" in path or "/databases/" in path:
            return {key: value for key, value in body.items() if key != "password"} | {"name": name}
        connection = f"{path.split('/')[1]}:{body.get('region')}:{name}"
        settings = body["settings"] | {"settingsVersion": "1", "dataDiskSizeGb": "10"}
        private = body["settings"].get("ipConfiguration", {}).get("privateNetwork")
        address = {"type": "PRIVATE", "ipAddress": "10.20.0.3"} if private else {"type": "PRIMARY", "ipAddress": "203.0.113.9"}
        return body | {"connectionName": connection, "state": "RUNNABLE", "selfLink": path, "settings": settings, "ipAddresses": [address]}
    if product == "iam" and "/serviceAccounts/" in path:
        email = name
        return body.get("serviceAccount", {}) | {"name": path, "email": email, "uniqueId": str(next(counter)), "projectId": path.split("/")[1]}
    if product == "compute":
        return networks.compute_resource(path, body, next(counter))
    if product == "logging":
        # A name alone, which is not that of the resource.
        return body | {"name": name}
    if product == "bigquery":
        return body | {"id": path, "etag": "etag", "selfLink": path}
    if product == "monitoring" and "/alertPolicies/" in path:
        conditions = [condition | {"name": f"{path}/conditions/{index}"} for index, condition in enumerate(body["conditions"])]
        return body | {"name": path, "conditions": conditions}
    if product == "iam" and "workloadIdentityPools" in path:
        return body | {"name": path.replace(path.split("/")[1], number(path), 1), "state": "ACTIVE"}
    return body | {"name": path, "state": "ENABLED"}


def answer(product, path):
    """An operation where the server starts one, else the resource."""
    resource = store[f"{product}/{path}"]
    if product == "sql":
        return DONE | {"targetId": path.rpartition("/")[2]}
    if product == "compute":
        return networks.compute_operation(path)
    if product in ("run", "artifactregistry") or "workloadIdentityPools" in path:
        return DONE | {"response": resource}
    return resource


def already_there(path):
    return 409, {"error": {"code": 409, "message": f"{path} already exists", "status": "ALREADY_EXISTS"}}


def not_found(path):
    return 404, {"error": {"code": 404, "message": f"{path} not found", "status": "NOT_FOUND"}}


def verb(product, path, name, query, body):
    """The methods that come after a colon."""
    if name == "getIamPolicy":
        return 200, policies.get(f"{product}/{path}", {"version": 1, "etag": "BwYA"})
    if name == "setIamPolicy":
        policies[f"{product}/{path}"] = body["policy"]
        return 200, body["policy"]
    # The provider gathers what it enables at the same time; one API alone is asked for by its name.
    if name == "batchEnable" or (name == "enable" and product == "serviceusage"):
        services = [f"{path}/{service}" for service in body["serviceIds"]] if name == "batchEnable" else [path]
        for service in services:
            store[f"{product}/{service}"] = {"name": service, "state": "ENABLED", "config": {"name": service.rpartition("/")[2]}}
        return 200, DONE
    if name == "addVersion":
        count = 1 + sum(key.startswith(f"{product}/{path}/versions/") for key in store)
        version = f"{path}/versions/{count}"
        payloads[version] = body["payload"]["data"]
        store[f"{product}/{version}"] = {"name": version, "state": "ENABLED", "createTime": "2026-01-01T00:00:00Z"}
        return 200, store[f"{product}/{version}"]
    if f"{product}/{path}" not in store:
        return not_found(path)
    if name == "access":
        return 200, {"name": path, "payload": {"data": payloads[path]}}
    if name in STATES:
        store[f"{product}/{path}"]["state"] = STATES[name]
        return 200, store[f"{product}/{path}"]
    if name == "listAttestationRules":
        return 200, {}
    return 404, {"error": {"code": 404, "message": f"no method {name}"}}


def bucket_policy(method, path, body):
    """The bucket itself is made by hand, before everything else."""
    if method == "PUT":
        policies[f"storage/{path}"] = body
    return 200, policies.get(f"storage/{path}", {"version": 1, "etag": "BwYA", "bindings": []})


def cloned(path, name):
    """An instance of another name, with the databases and users of the first."""
    parent, _, old = path.rpartition("/")
    for key in [key for key in store if key == f"sql/{path}" or key.startswith(f"sql/{path}/")]:
        text = json.dumps(store[key]).replace(f'"{old}"', f'"{name}"').replace(f':{old}"', f':{name}"')
        store[key.replace(f"sql/{path}", f"sql/{parent}/{name}", 1)] = json.loads(text)
    return 200, DONE | {"targetId": name}


def merged(old, new):
    """A PATCH, without its mask: what it names is what it changes."""
    return old | {key: merged(old[key], value) if isinstance(value, dict) and isinstance(old.get(key), dict) else value for key, value in new.items()}


def listed(product, path):
    prefix = f"{product}/{path}/"
    items = [value for key, value in store.items() if key.startswith(prefix) and "/" not in key[len(prefix) :]]
    return {"items": items, path.rpartition("/")[2]: items}


def present(value):
    """Google's JSON has no member whose value is zero or empty, but an empty message is there."""
    if isinstance(value, list):
        return [present(element) for element in value]
    if isinstance(value, dict):
        return {key: present(member) for key, member in value.items() if member not in (None, "", [], 0)}
    return value


def respond(method, product, path, query, body):
    path, _, name = path.partition(":") if re.search(r":[a-zA-Z]+$", path) else (path, "", "")
    key = f"{product}/{path}"
    if name:
        return verb(product, path, name, query, body)
    if "operations/" in path:
        return 200, DONE
    if product == "storage" and path.endswith("/iam"):
        return bucket_policy(method, path, body)
    if product == "servicenetworking":
        connections = networks.peering(method, query, body)
        return 200, {"connections": connections} if method == "GET" else DONE | {"response": body}
    owner, _, change = path.rpartition("/")
    if product == "compute" and change.startswith("set"):
        store[f"compute/{owner}"] = networks.changed(store[f"compute/{owner}"], change, body)
        return 200, answer(product, owner)
    if product == "sql" and path.endswith("/clone"):
        return cloned(path.removesuffix("/clone"), body["cloneContext"]["destinationInstanceName"])
    if method == "POST":
        return created(product, path, query, body)
    if product == "sql" and path.endswith("/users") and method in ("PUT", "DELETE"):
        key = f"{key}/{query['name'][0]}"
        path = f"{path}/{query['name'][0]}"
    if method == "PUT" and product == "pubsub" and key in store:
        return already_there(path)
    if method == "PUT" and key not in store:
        store[key] = added(product, path, body)
        return 200, answer(product, path)
    if key not in store:
        collection = path.count("/") % 2 == 0
        return (200, listed(product, path)) if method == "GET" and collection else not_found(path)
    if method in ("PATCH", "PUT"):
        given = body.get("subscription", body.get("topic", body)) if isinstance(body.get("topic"), dict) or "subscription" in body else body
        # Cloud Run is given the whole.
        store[key] = added(product, path, given if product == "run" else merged(store[key], given))
    if method == "DELETE":
        gone = answer(product, path)
        for name in [name for name in store if name == key or name.startswith(f"{key}/")]:
            del store[name]
        for name in [name for name in policies if name == key or name.startswith(f"{key}/")]:
            del policies[name]
        return 200, gone if "operations" in str(gone.get("name")) else {}
    return 200, store[key] if method == "GET" else answer(product, path)


def deploy():
    """What the workflow's deploy leaves behind: other images and labels, another client, and a job that somebody executed."""
    for key, resource in store.items():
        template = resource.get("template") if key.startswith("run/") else None
        if template:
            resource |= {"client": "gcloud", "clientVersion": "1"}
            resource.pop("runExecutionToken", None)
            template["labels"] = {"commit": "abc"}
            template.get("template", template)["containers"][0]["image"] += "@sha256:abc"
