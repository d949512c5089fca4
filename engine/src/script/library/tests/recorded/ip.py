"""Writes ip.json: what Python's `ipaddress` says of networks and addresses. Recorded with Python 3.11."""

import ipaddress
import itertools
import json
import pathlib

TEXTS = """
10.0.0.0/8 10.1.2.3/24 10.1.2.3 192.168.1.128/25 192.168.1.129/31 192.168.1.130/32 0.0.0.0/0 255.255.255.255
172.16.0.1/12 127.0.0.1/30 100.64.0.0/10 169.254.1.1/29 224.0.0.1/4 1.2.3.4/1 8.8.8.8/16 10.0.0.255/23
::/0 ::1 ::1/128 fe80::1/64 2001:db8::/32 2001:db8:0:1::ff/126 2001:db8::1/127 fd00::/8 ff02::1
2001:db8:85a3::8a2e:370:7334/125 64:ff9b::/96 1:2:3:4:5:6:7:8/60 2001:DB8::A
1:0:0:2:0:0:0:3 1:2:3:4:5:6:7:: ::2:3:4:5:6:7:8
""".split()
# Of these it is only asked whether they are any: `::ffff:10.0.0.1` is shown as RFC 5952, section 5, has it here.
ASKED = """
10.0.0 10.0.0.256 010.0.0.1 10.0.0.1/33 10.0.0.1/-1 10.0.0.1/ /24 1.2.3.4.5 10.0.0.1/8/8 0x7f.0.0.1 1.2.3.4a
:: ::ffff:10.0.0.1 ::ffff:10.0.0.0/120 ::1/129 1::2::3 12345:: g:: 1:2:3:4:5:6:7 1:2:3:4:5:6:7:8:9 :1 1: fe80::1%eth0 ::1.2.3 ::1.2.3.256 a.b.c.d localhost
""".split()


def valid(text):
    try:
        ipaddress.ip_interface(text)
        return True
    except ValueError:
        return False


def of(text):
    interface = ipaddress.ip_interface(text)
    network = interface.network
    few = network.num_addresses <= 16
    return {
        "text": text,
        "version": network.version,
        "address": str(interface.ip),
        "network": str(network),
        "broadcast": str(network.broadcast_address),
        "netmask": str(network.netmask),
        "prefix": network.prefixlen,
        "hosts": [str(host) for host in network.hosts()] if few else None,
        "halves": [str(half) for half in network.subnets()],
        "second": str(network[1]) if network.num_addresses > 1 else None,
        "last": str(network[-1]),
    }


def both(one, other):
    first, second = ipaddress.ip_interface(one).network, ipaddress.ip_interface(other).network
    same = first.version == second.version
    return {
        "texts": [one, other],
        "overlap": same and first.overlaps(second),
        "contains": same and second.subnet_of(first),
    }


answers = {
    "valid": {text: valid(text) for text in TEXTS + ASKED},
    "networks": [of(text) for text in TEXTS],
    "pairs": [both(one, other) for one, other in itertools.product(TEXTS[:14] + TEXTS[16:22], repeat=2)],
}
lines = ",\n".join(
    f'"{name}": [\n' + ",\n".join(json.dumps(row) for row in rows) + "\n]" for name, rows in answers.items()
    if name != "valid"
)
text = f'{{\n"valid": {json.dumps(answers["valid"])},\n{lines}\n}}\n'
(pathlib.Path(__file__).parent / "ip.json").write_text(text)
