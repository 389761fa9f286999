import GRDB
import Histogram
print("x")
