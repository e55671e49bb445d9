#!/usr/bin/env python3
"""The tutorial's producer or consumer at a steady rate, telling what becomes of every message.

    steady.py produce QUEUE PREFIX RATE         as it is: what was sent counts as confirmed
    steady.py produce-confirmed QUEUE PREFIX RATE
    steady.py consume QUEUE

One event per line on standard output: "attempt ID", "confirmed ID", "failed ID REASON", "delivered ID".
"""
import json
import os
import sys
import time

import cluster_consumer
import cluster_producer

HOSTS = [{'host': host, 'port': int(port)} for host, port in
         (endpoint.split(':') for endpoint in os.environ['RABBITMQ_ENDPOINTS'].split())]


def event(*words):
    print(*words, file=REPORT, flush=True)


class ConfirmingProducer(cluster_producer.ClusterProducer):
    def connect(self):
        connected = super().connect()
        self.channel.confirm_delivery()
        return connected


class EagerConsumer(cluster_consumer.ClusterConsumer):
    """Leaves out the half second that the tutorial's consumer spends on each message."""

    def callback(self, ch, method, properties, body):
        event('delivered', json.loads(body)['id'])
        ch.basic_ack(delivery_tag=method.delivery_tag)


def produce(producer, queue, prefix, rate):
    due, n = time.monotonic(), 0
    while True:
        # What was due while a send had to wait is left out, not made up for.
        due = max(due + 1 / rate, time.monotonic())
        time.sleep(max(0, due - time.monotonic()))
        n += 1
        message_id = f'{prefix}/{n:06}'
        event('attempt', message_id)
        if producer.send_message(exchange='', routing_key=queue, message={'id': message_id, 'text': 'steady'}):
            event('confirmed', message_id)
        else:
            event('failed', message_id, 'not sent')


def main():
    role, queue = sys.argv[1], sys.argv[2]
    if role == 'consume':
        EagerConsumer(HOSTS, queue).start_consuming()
        return
    make = ConfirmingProducer if role == 'produce-confirmed' else cluster_producer.ClusterProducer
    produce(make(HOSTS), queue, sys.argv[3], float(sys.argv[4]))


if __name__ == '__main__':
    REPORT, sys.stdout = sys.stdout, sys.stderr  # the tutorial's code prints as well
    main()
