# Jobs with beaneater: ruby beaneater.rb HOST PORT life | hold TUBE
require 'beaneater'

$stdout.sync = true
$checks = 0

def client
  Beaneater.new("#{ARGV[0]}:#{ARGV[1]}")
end

def equal(what, found, expected)
  $checks += 1
  return if found == expected
  raise "#{what}: #{found.inspect[0, 300]}, and #{expected.inspect[0, 300]} is expected"
end

def fails(what, kind)
  $checks += 1
  begin
    found = yield
  rescue kind
    return
  end
  raise "#{what}: #{found.inspect[0, 300]}, and #{kind} is expected"
end

def hold(tube)
  puts client.tubes[tube].reserve(10).id
  sleep 1000
end

def seconds
  Process.clock_gettime(Process::CLOCK_MONOTONIC)
end

def life
  producer, worker, other = client, client, client
  mail = producer.tubes['mail']
  worker.tubes.watch!('mail')
  other.tubes.watch!('mail')

  [['last', 4_294_967_295], ['second', 5], ['third', 5], ['first', 0]].each { |body, pri| mail.put(body, pri: pri) }
  %w[first second third last].each do |body|
    job = worker.tubes.reserve(0)
    equal('the order', job.body, body)
    job.delete
  end
  fails('an empty tube', Beaneater::TimedOutError) { worker.tubes.reserve(0) }

  bytes = (0..255).to_a.pack('C*') * 3
  [bytes, '', "\r\n", "a\r\nquit\r\n", "Gr\xfc\xdfe", 'x' * 65_535].map(&:b).each do |body|
    id = mail.put(body)[:id]
    equal('a peek', producer.jobs.find(id).body.b, body)
    job = worker.tubes.reserve(0)
    equal('a body', [job.id, job.body.b], [id, body])
    job.delete
  end
  fails('a job too big', Beaneater::JobTooBigError) { mail.put('x' * 65_536) }

  start = seconds
  id = mail.put('delayed', delay: 1)[:id]
  equal('the delayed job', mail.peek(:delayed).id, id)
  fails('before the delay ends', Beaneater::TimedOutError) { worker.tubes.reserve(0) }
  job = worker.tubes.reserve(5)
  equal('after the delay', [job.id, seconds - start >= 0.99], [id, true])

  start = seconds
  job.release(pri: 7, delay: 1)
  stats = producer.jobs.find(id).stats
  equal('released', [stats.state, stats.pri, stats.delay, stats.releases], ['delayed', 7, 1, 1])
  job = worker.tubes.reserve(5)
  equal('released and reserved', [job.id, seconds - start >= 0.99], [id, true])

  job.bury(pri: 9)
  equal('the buried job', mail.peek(:buried).body, 'delayed')
  fails('buried jobs are not reserved', Beaneater::TimedOutError) { worker.tubes.reserve(0) }
  mail.kick(10)
  stats = producer.jobs.find(id).stats
  equal('after a kick', [stats.state, stats.pri, stats.reserves, stats.buries, stats.kicks, stats.tube],
        ['ready', 9, 2, 1, 1, 'mail'])
  worker.tubes.reserve(0).bury
  producer.jobs.find(id).kick
  equal('the ready job', mail.peek(:ready).id, id)
  job = worker.tubes.reserve(0)
  fails("another connection's job", Beaneater::NotFoundError) { other.jobs.find(id).delete }
  job.delete
  fails('a deleted job', Beaneater::NotFoundError) { job.delete }
  equal('a deleted job', job.exists?, false)

  mail.put('touched', ttr: 2)
  job = worker.tubes.reserve(0)
  2.times do
    sleep 1.2
    job.touch
  end
  equal('touched', job.stats.timeouts, 0)
  job.delete

  # The end of the time to run. beanstalkd 1.12 may see it only when the connection sends something.
  mail.put('timed out', ttr: 1)
  job = worker.tubes.reserve(0)
  fails('within its last second', Beaneater::DeadlineSoonError) { worker.tubes.reserve(0) }
  sleep 1.1
  worker.tubes.used
  again = other.tubes.reserve(5)
  equal('timed out', [again.id, again.stats.timeouts], [job.id, 1])
  fails('its lease is lost', Beaneater::NotFoundError) { job.touch }
  other.close
  again = worker.tubes.reserve(5)
  equal("a closed connection's job", again.id, job.id)
  again.delete

  worker.tubes.watch('more')
  equal('watched', worker.tubes.watched.map(&:name).sort, %w[mail more])
  equal('tubes', worker.tubes.all.map(&:name).sort, %w[default mail more])
  worker.tubes.ignore('more')
  fails('the last tube', Beaneater::NotIgnoredError) { worker.tubes.ignore('mail') }
  fails('a tube that is not there', Beaneater::NotFoundError) { producer.tubes['more'].stats }
  mail.put('paused')
  mail.pause(1_000)
  fails('a paused tube', Beaneater::TimedOutError) { worker.tubes.reserve(0) }
  mail.pause(0)
  job = worker.tubes.reserve(5)
  stats = mail.stats
  equal('a tube', [stats.name, stats.current_jobs_reserved, stats.current_watching], ['mail', 1, 1])
  job.delete
  stats = producer.stats
  equal('the server', [stats.current_jobs_ready, stats.current_jobs_reserved, stats.job_timeouts, stats.draining], [0, 0, 1, false])
  puts "#{$checks} checks"
end

ARGV[2] == 'hold' ? hold(ARGV[3]) : life
