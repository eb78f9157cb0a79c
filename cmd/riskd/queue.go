package main

import "context"

// queue keeps those who decide from waiting for those who write: what doesn't
// fit is refused.
type queue[T any] struct {
	waiting chan T
	put     func(T)
}

// queueLength is how many decisions may wait to be written.
const queueLength = 4096

func newQueue[T any](put func(T)) queue[T] {
	return queue[T]{make(chan T, queueLength), put}
}

// offer reports whether v was taken.
func (q *queue[T]) offer(v T) bool {
	select {
	case q.waiting <- v:
		return true
	default:
		return false
	}
}

// write puts out what was taken until ctx ends, and then the rest.
func (q *queue[T]) write(ctx context.Context) {
	for {
		select {
		case v := <-q.waiting:
			q.put(v)
		case <-ctx.Done():
			q.rest()
			return
		}
	}
}

func (q *queue[T]) rest() {
	for {
		select {
		case v := <-q.waiting:
			q.put(v)
		default:
			return
		}
	}
}
