#!/usr/bin/env python3
import os

import pika
import requests
from requests.auth import HTTPBasicAuth

def setup_quorum_queues():
    """Set up quorum queues via Management API"""

    base_url = os.environ['RABBITMQ_MANAGEMENT'] + "/api"
    auth = HTTPBasicAuth(os.environ['RABBITMQ_USERNAME'], os.environ['RABBITMQ_PASSWORD'])
    headers = {'content-type': 'application/json'}

    # Create quorum queue
    queue_config = {
        "auto_delete": False,
        "durable": True,
        "arguments": {
            "x-queue-type": "quorum",
            "x-quorum-initial-group-size": 3,  # Replicate to 3 nodes
            "x-max-length": 10000,
            "x-overflow": "reject-publish"
        }
    }

    # Create quorum queue
    response = requests.put(
        f"{base_url}/queues/%2F/ha_queue",
        json=queue_config,
        auth=auth,
        headers=headers
    )

    if response.status_code in [201, 204]:
        print("✓ Quorum queue 'ha_queue' created successfully")
    else:
        print(f"✗ Failed to create queue: {response.text}")
        return False

    # Create exchange
    exchange_config = {
        "type": "direct",
        "auto_delete": False,
        "durable": True
    }

    response = requests.put(
        f"{base_url}/exchanges/%2F/ha_exchange",
        json=exchange_config,
        auth=auth,
        headers=headers
    )

    if response.status_code in [201, 204]:
        print("✓ Exchange 'ha_exchange' created successfully")

    # Bind queue to exchange
    binding_config = {
        "routing_key": "ha_route"
    }

    response = requests.post(
        f"{base_url}/bindings/%2F/e/ha_exchange/q/ha_queue",
        json=binding_config,
        auth=auth,
        headers=headers
    )

    if response.status_code in [201, 204]:
        print("✓ Binding created successfully")

    return True

if __name__ == '__main__':
    setup_quorum_queues()
