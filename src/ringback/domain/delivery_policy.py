"""Checking how an endpoint wants to be delivered to: each fault with its place."""

import ipaddress

from ringback.domain.egress import LAST_PORT, may_be_opened
from ringback.domain.endpoints import DeliveryPolicy
from ringback.domain.hosts import InvalidUrl, normalise_host
from ringback.errors import Fault

RETRIES_MAX = 20
WAIT_MAX_S = 7 * 24 * 3600
TIMEOUT_MIN_S, TIMEOUT_MAX_S = 1.0, 30.0
CONCURRENCY_MAX = 256
NETWORKS_MAX = 16
HOSTS_MAX = 16
PORTS_MAX = 16
# Answers that a receiver may mean for good; everything else is always tried again.
GIVE_UP_ON = (400, 413, 422)


def faults_in_policy(policy: DeliveryPolicy, pointer: str) -> list[Fault]:
    """Check every field of a policy; `pointer` is where it stands in the request."""
    faults = faults_in_schedule(policy.schedule_s or (), f"{pointer}/retry_schedule_s")
    if not TIMEOUT_MIN_S <= policy.timeout_s <= TIMEOUT_MAX_S:
        text = f"A request may take {TIMEOUT_MIN_S:.0f} to {TIMEOUT_MAX_S:.0f} seconds."
        faults.append(Fault(f"{pointer}/timeout_s", text))
    if not 1 <= policy.concurrency <= CONCURRENCY_MAX:
        text = f"1 to {CONCURRENCY_MAX} requests at a time."
        faults.append(Fault(f"{pointer}/concurrency", text))
    for place, status in enumerate(policy.give_up_on):
        if status not in GIVE_UP_ON:
            known = ", ".join(map(str, GIVE_UP_ON))
            faults.append(Fault(f"{pointer}/give_up_on/{place}", f"One of {known}."))
    faults += _faults_in_networks(policy.allowed_networks, f"{pointer}/allowed_networks")
    faults += _faults_in_hosts(policy.allowed_hosts, f"{pointer}/allowed_hosts")
    return faults + _faults_in_ports(policy.allowed_ports, f"{pointer}/allowed_ports")


def faults_in_schedule(waits: tuple[int, ...], pointer: str) -> list[Fault]:
    """Check the waits between attempts, an endpoint's own or the installation's."""
    faults = []
    if len(waits) > RETRIES_MAX:
        faults.append(Fault(pointer, f"At most {RETRIES_MAX} retries."))
    for place, wait in enumerate(waits[:RETRIES_MAX]):
        if not 1 <= wait <= WAIT_MAX_S:
            text = f"A wait has 1 to {WAIT_MAX_S} seconds."
            faults.append(Fault(f"{pointer}/{place}", text))
    return faults


def _faults_in_networks(networks: tuple[str, ...], pointer: str) -> list[Fault]:
    faults = []
    if len(networks) > NETWORKS_MAX:
        faults.append(Fault(pointer, f"At most {NETWORKS_MAX} networks."))
    for place, text in enumerate(networks[:NETWORKS_MAX]):
        try:
            ipaddress.ip_network(text)
        except ValueError:
            words = "Write a network such as 10.1.2.0/24, with no bits set beyond its length."
            faults.append(Fault(f"{pointer}/{place}", words))
    return faults


def _faults_in_hosts(hosts: tuple[str, ...], pointer: str) -> list[Fault]:
    faults = []
    if len(hosts) > HOSTS_MAX:
        faults.append(Fault(pointer, f"At most {HOSTS_MAX} hosts."))
    for place, text in enumerate(hosts[:HOSTS_MAX]):
        name = text.removeprefix("*.")
        try:
            known = normalise_host(name)
        except InvalidUrl as error:
            faults.append(Fault(f"{pointer}/{place}", str(error)))
            continue
        if not isinstance(known, str):
            words = "This is an address: open it with allowed_networks."
            faults.append(Fault(f"{pointer}/{place}", words))
        elif known != name:
            faults.append(Fault(f"{pointer}/{place}", f"Write it as {known}."))
    return faults


def _faults_in_ports(ports: tuple[int, ...], pointer: str) -> list[Fault]:
    faults = []
    if len(ports) > PORTS_MAX:
        faults.append(Fault(pointer, f"At most {PORTS_MAX} ports."))
    for place, port in enumerate(ports[:PORTS_MAX]):
        if not 1 <= port <= LAST_PORT:
            faults.append(Fault(f"{pointer}/{place}", f"A port is a number from 1 to {LAST_PORT}."))
        elif not may_be_opened(port):
            words = f"Port {port} belongs to another service than webhooks: nobody can open it."
            faults.append(Fault(f"{pointer}/{place}", words))
    return faults
