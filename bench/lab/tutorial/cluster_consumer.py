#!/usr/bin/env python3
import os
import pika
import json
import time
import signal
import sys

class ClusterConsumer:
    """Cluster-aware consumer with automatic reconnection"""

    def __init__(self, hosts, queue='ha_queue'):
        self.hosts = hosts
        self.queue = queue
        self.connection = None
        self.channel = None
        self.should_stop = False

        # Setup signal handlers
        signal.signal(signal.SIGINT, self.signal_handler)
        signal.signal(signal.SIGTERM, self.signal_handler)

    def signal_handler(self, sig, frame):
        """Handle shutdown signals"""
        print('\n✓ Shutting down gracefully...')
        self.should_stop = True
        if self.channel:
            self.channel.stop_consuming()

    def connect(self):
        """Connect to RabbitMQ cluster"""
        credentials = pika.PlainCredentials(os.environ['RABBITMQ_USERNAME'], os.environ['RABBITMQ_PASSWORD'])

        for host in self.hosts:
            try:
                parameters = pika.ConnectionParameters(
                    host=host['host'],
                    port=host['port'],
                    virtual_host='/',
                    credentials=credentials,
                    heartbeat=60,
                    blocked_connection_timeout=300
                )

                self.connection = pika.BlockingConnection(parameters)
                self.channel = self.connection.channel()

                # Set QoS
                self.channel.basic_qos(prefetch_count=1)

                print(f"✓ Connected to {host['host']}:{host['port']}")
                return True

            except pika.exceptions.AMQPConnectionError as e:
                print(f"✗ Failed to connect to {host['host']}: {e}")
                continue

        return False

    def callback(self, ch, method, properties, body):
        """Process received message"""
        try:
            message = json.loads(body)
            print(f"✓ Received: {message['text']} (ID: {message['id']})")

            # Simulate processing
            time.sleep(0.5)

            # Acknowledge message
            ch.basic_ack(delivery_tag=method.delivery_tag)

        except Exception as e:
            print(f"✗ Error processing message: {e}")
            # Negative acknowledge - requeue if first attempt
            ch.basic_nack(delivery_tag=method.delivery_tag, requeue=False)

    def start_consuming(self):
        """Start consuming messages with auto-reconnect"""
        while not self.should_stop:
            try:
                if not self.connection or self.connection.is_closed:
                    if not self.connect():
                        print("✗ Could not connect to any node, retrying in 5s...")
                        time.sleep(5)
                        continue

                # Start consuming
                self.channel.basic_consume(
                    queue=self.queue,
                    on_message_callback=self.callback,
                    auto_ack=False
                )

                print('⏳ Waiting for messages. Press CTRL+C to exit')
                self.channel.start_consuming()

            except pika.exceptions.AMQPConnectionError as e:
                print(f"✗ Connection lost: {e}")
                print("✓ Reconnecting in 5 seconds...")
                time.sleep(5)

            except pika.exceptions.ChannelClosedByBroker as e:
                print(f"✗ Channel closed: {e}")
                break

            except Exception as e:
                print(f"✗ Unexpected error: {e}")
                break

    def close(self):
        """Close connection"""
        if self.connection and not self.connection.is_closed:
            self.connection.close()
            print("✓ Connection closed")

def main():
    cluster_hosts = [
        {'host': os.environ['RABBITMQ_HOST'], 'port': int(os.environ['RABBITMQ_PORT'])},  # HAProxy
    ]

    consumer = ClusterConsumer(cluster_hosts)

    try:
        consumer.start_consuming()
    finally:
        consumer.close()

if __name__ == '__main__':
    main()
