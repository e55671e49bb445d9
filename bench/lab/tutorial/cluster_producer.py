#!/usr/bin/env python3
import os
import pika
import json
import time
from datetime import datetime
import random

class ClusterProducer:
    """Cluster-aware producer with automatic reconnection"""

    def __init__(self, hosts):
        self.hosts = hosts
        self.connection = None
        self.channel = None
        self.connect()

    def connect(self):
        """Connect to RabbitMQ cluster with retry"""
        credentials = pika.PlainCredentials(os.environ['RABBITMQ_USERNAME'], os.environ['RABBITMQ_PASSWORD'])

        # Try each host until one connects
        for host in self.hosts:
            try:
                parameters = pika.ConnectionParameters(
                    host=host['host'],
                    port=host['port'],
                    virtual_host='/',
                    credentials=credentials,
                    heartbeat=60,
                    blocked_connection_timeout=300,
                    connection_attempts=3,
                    retry_delay=2
                )

                self.connection = pika.BlockingConnection(parameters)
                self.channel = self.connection.channel()
                print(f"✓ Connected to {host['host']}:{host['port']}")
                return True

            except pika.exceptions.AMQPConnectionError as e:
                print(f"✗ Failed to connect to {host['host']}: {e}")
                continue

        raise Exception("Could not connect to any RabbitMQ node")

    def send_message(self, exchange, routing_key, message):
        """Send message with automatic reconnection"""
        max_retries = 3

        for attempt in range(max_retries):
            try:
                if not self.connection or self.connection.is_closed:
                    self.connect()

                self.channel.basic_publish(
                    exchange=exchange,
                    routing_key=routing_key,
                    body=json.dumps(message),
                    properties=pika.BasicProperties(
                        delivery_mode=2,  # Persistent
                        content_type='application/json',
                        timestamp=int(time.time())
                    ),
                    mandatory=True  # Return if unroutable
                )

                return True

            except (pika.exceptions.AMQPError,
                    pika.exceptions.ChannelClosedByBroker,
                    pika.exceptions.ConnectionClosedByBroker) as e:
                print(f"✗ Error sending message (attempt {attempt + 1}): {e}")

                if attempt < max_retries - 1:
                    time.sleep(2 ** attempt)  # Exponential backoff
                    try:
                        self.connect()
                    except:
                        pass

        return False

    def close(self):
        """Close connection"""
        if self.connection and not self.connection.is_closed:
            self.connection.close()
            print("✓ Connection closed")

def main():
    # Cluster nodes (HAProxy in this case, but could be direct nodes)
    cluster_hosts = [
        {'host': os.environ['RABBITMQ_HOST'], 'port': int(os.environ['RABBITMQ_PORT'])},  # HAProxy
    ]

    # Alternative: Direct connection to nodes
    # cluster_hosts = [
    #     {'host': 'localhost', 'port': 5672},  # rabbit1
    #     {'host': 'localhost', 'port': 5673},  # rabbit2
    #     {'host': 'localhost', 'port': 5674},  # rabbit3
    # ]

    producer = ClusterProducer(cluster_hosts)

    try:
        print("\nSending messages to quorum queue...")

        for i in range(1, 101):
            message = {
                'id': i,
                'text': f'Cluster message #{i}',
                'timestamp': datetime.now().isoformat(),
                'priority': random.randint(1, 10)
            }

            success = producer.send_message(
                exchange='ha_exchange',
                routing_key='ha_route',
                message=message
            )

            if success:
                print(f"✓ Sent message #{i}")
            else:
                print(f"✗ Failed to send message #{i}")

            time.sleep(0.1)

    except KeyboardInterrupt:
        print("\n✓ Stopped by user")

    finally:
        producer.close()

if __name__ == '__main__':
    main()
