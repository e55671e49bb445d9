module example.com/shop-clients

go 1.26.0

require warren v0.0.0

require github.com/rabbitmq/amqp091-go v1.16.0 // indirect

replace warren => ../..
