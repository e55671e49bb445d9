// Package clients publishes to and consumes from RabbitMQ clusters, and loses nothing.
//
// The promise: what [Producer.Publish] reports as confirmed is in the queue. What was not confirmed is
// reported as such. Nothing is acknowledged before its [Handler] has succeeded. All of this holds while nodes
// die, networks split, load balancers restart and brokers run out of memory.
//
// # Where to begin
//
// [NewProducer] and [NewConsumer] make clients with a connection of their own. [NewClient] shares one
// connection among any number of them; it also declares queues and exchanges, and a [Requester] asks and
// awaits replies.
//
// # What it does for that
//
// Every client takes a list of endpoints, a load balancer or the nodes themselves, and holds one connection
// at a time. When it is lost they try every endpoint once without a wait, and from then on wait with a
// backoff of full jitter.
//
// No wait is without an end. AMQP 0-9-1 sets no deadlines and neither does amqp091-go once a connection is
// open, so a connection whose packets vanish in a split network would be waited for until the kernel gives up
// on it, after minutes. Here connecting, subscribing and closing have deadlines, every write to the socket
// has one, and heartbeats are short. Every call that takes a context returns when that ends. A node that is
// cut off from its peers answers heartbeats as if nothing were wrong, so a producer also gives up on a
// connection over which confirms are overdue, unless the broker has blocked it, and a consumer that hears
// nothing asks the queue for a sign of life; see [WithConfirmTimeout] and [WithProbe].
//
// After a reconnect the first confirm is not waited for as long as others. A channel that is opened before a
// queue has elected its new leader brings none (seen on RabbitMQ 4.3), so the producer opens another one on
// the same connection, with growing waits in between, before it tries the next endpoint.
//
// A producer publishes persistent messages with publisher confirms and the mandatory flag, many at a time,
// and publishes again what a lost connection left unconfirmed or what a full queue refused, until the
// message's deadline. Its memory is bounded by its window, whatever happens. A consumer acknowledges by hand,
// subscribes again after whatever ended its subscription, gives failed messages back after growing pauses,
// and survives panics of its handler.
//
// A producer whose messages all go to one queue can keep its connection on the node that leads it, through a
// load balancer as well, and so spare the cluster a hop that costs it about a third of what it can take; see
// [WithAffinity].
//
// # What it does not
//
// Delivery is at least once. A message that was stored, but whose confirm was lost, is published again and is
// then in the queue twice, with one message id. Handlers should bear that; [WithDeduplication] recognises
// duplicates as far as one consumer's memory reaches. Nothing short of storing ids together with the
// handler's own effects does it for good.
//
// Order is kept while nothing goes wrong. A message that is published again, redelivered or requeued arrives
// later than some that followed it. Where order matters more than speed, publish one message at a time, and
// use one consumer with one handler and a prefetch of one.
//
// A confirm from a quorum queue means that a majority of its members has the message on disk. A confirm of a
// message that no queue was bound for would mean nothing, which is why messages are mandatory and
// [ErrUnroutable] exists. What a confirm is worth with other types of queues is up to them.
//
// After a network was split, messages that had been sent towards a connection on the other side may stay away
// for half a minute after it has healed, until the broker notices that nobody is there. They come back marked
// as redelivered.
//
// # Why not the library's own recovery
//
// amqp091-go has a recovery feature since v1.12, marked experimental. It was weighed, as of v1.16.0, and is
// not used:
//
//   - It redials the one URL it was given (Connection.Reconnect), so with a node's URL it waits for that node
//     to return, while the other nodes serve.
//   - It waits before the first attempt, 5 s plus up to 0.5 s by default, and gives up for good after 5
//     attempts. Both are fixed numbers, without backoff. Here losing a leader costs less than a second.
//   - It does not publish again. When a connection is lost, the confirms that were outstanding are reported
//     as negative (confirms.reset closes every DeferredConfirmation unacknowledged), which an application
//     cannot tell from a full queue, although the messages may have been stored.
//   - It starts when a connection is seen to be closed. Nothing makes it look sooner: confirms have no
//     deadline.
//   - A wrong password cannot be told from a node that died during the handshake: both are ErrCredentials.
//   - Its merit is redeclaring queues, exchanges and bindings. In a cluster of durable, replicated queues
//     there is nothing to redeclare, and a client that silently recreates what an operator has deleted is no
//     help.
//
// A channel is here used until it fails, and then replaced by a new one: there is no state to repair.
package clients
