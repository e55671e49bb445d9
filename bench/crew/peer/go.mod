module warren/bench/crew/peer

go 1.26.0

require github.com/wagslane/go-rabbitmq v0.15.0

require github.com/rabbitmq/amqp091-go v1.10.0 // indirect
