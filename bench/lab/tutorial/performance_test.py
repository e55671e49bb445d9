#!/usr/bin/env python3
import os
import pika
import time
import threading
from datetime import datetime
import statistics

def measure_throughput(host, port, num_messages=1000):
    """Measure message throughput"""

    credentials = pika.PlainCredentials(os.environ['RABBITMQ_USERNAME'], os.environ['RABBITMQ_PASSWORD'])
    parameters = pika.ConnectionParameters(
        host=host,
        port=port,
        credentials=credentials
    )

    connection = pika.BlockingConnection(parameters)
    channel = connection.channel()

    # Start time
    start_time = time.time()

    # Send messages
    for i in range(num_messages):
        channel.basic_publish(
            exchange='ha_exchange',
            routing_key='ha_route',
            body=f'Message {i}'
        )

    # End time
    end_time = time.time()
    elapsed = end_time - start_time

    connection.close()

    throughput = num_messages / elapsed
    return throughput, elapsed

def main():
    print("=== RabbitMQ Cluster Performance Test ===\n")

    # Test through HAProxy
    print("Testing throughput via HAProxy...")
    throughput, elapsed = measure_throughput(os.environ['RABBITMQ_HOST'], int(os.environ['RABBITMQ_PORT']), 10000)
    print(f"Messages sent: 10000")
    print(f"Time taken: {elapsed:.2f} seconds")
    print(f"Throughput: {throughput:.2f} messages/second")
    print()

    # Test direct connection to nodes
    nodes = [
        ('rabbit1', int(os.environ['RABBITMQ_PORT_1'])),
        ('localhost', int(os.environ['RABBITMQ_PORT_2'])),  # rabbit2
        ('localhost', int(os.environ['RABBITMQ_PORT_3'])),  # rabbit3
    ]

    print("Testing throughput to individual nodes...")
    for name, port in nodes:
        host = os.environ['RABBITMQ_HOST']
        print(f"\nNode: {name}")
        throughput, elapsed = measure_throughput(host, port, 5000)
        print(f"Throughput: {throughput:.2f} messages/second")

if __name__ == '__main__':
    main()
