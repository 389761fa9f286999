import Metrics

/// `stint.enqueued` and `stint.duplicates`, by queue.
package enum EnqueueMetrics {
    package static func count(_ jobs: [NewJob], _ answers: [Enqueued]) {
        var added: [QueueName: Int] = [:]
        var duplicates: [QueueName: Int] = [:]
        for (job, answer) in zip(jobs, answers) {
            if answer.isDuplicate { duplicates[job.queue, default: 0] += 1 } else { added[job.queue, default: 0] += 1 }
        }
        for (queue, count) in added {
            Counter(label: "stint.enqueued", dimensions: [("queue", queue.description)]).increment(by: count)
        }
        for (queue, count) in duplicates {
            Counter(label: "stint.duplicates", dimensions: [("queue", queue.description)]).increment(by: count)
        }
    }
}
