#!/usr/bin/env python3
"""The tutorial's producer as fast as it goes when it waits for the confirm of every message.

Prints one line of JSON: how many messages were confirmed, in how many seconds, and how long each took.
"""
import json
import os
import sys
import time

import cluster_producer


class ConfirmingProducer(cluster_producer.ClusterProducer):
    def connect(self):
        connected = super().connect()
        self.channel.confirm_delivery()
        return connected


def main():
    queue, size, warm_up, length = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
    report, sys.stdout = sys.stdout, sys.stderr  # the producer prints as well
    producer = ConfirmingProducer([{'host': os.environ['RABBITMQ_HOST'], 'port': int(os.environ['RABBITMQ_PORT'])}])
    message = 'x' * (size - 2)  # as JSON: in quotes

    def publish_until(end):
        latencies = []
        while (now := time.monotonic()) < end:
            if producer.send_message(exchange='', routing_key=queue, message=message):
                latencies.append(time.monotonic() - now)
        return latencies

    publish_until(time.monotonic() + warm_up)
    begin = time.monotonic()
    latencies = publish_until(begin + length)
    elapsed = time.monotonic() - begin
    producer.close()
    print(json.dumps({'confirmed': len(latencies), 'seconds': elapsed, 'latencies': latencies}), file=report)


if __name__ == '__main__':
    main()
